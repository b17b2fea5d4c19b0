"""Bulletins, ledgers and tables of adjustments of a month of real rows, on both databases."""

import csv
import io
import json
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from docx import Document as read_word
from fastapi.testclient import TestClient
from openpyxl import load_workbook  # type: ignore[import-untyped]
from PIL import Image
from places import write_places
from pypdf import PdfReader
from rows import write_lead
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.issues.tables import Issue
from streetsight.service.places.membership import assign_places
from streetsight.service.scoring.reading import example_schemes
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

Person = Callable[..., TestClient]
ZONE = ZoneInfo("Asia/Shanghai")
OCTOBER = datetime(2026, 10, 14, 3, tzinfo=UTC)  # a Wednesday morning in China
SOUTH, NORTH = (120.10, 30.20, 120.20, 30.30), (120.10, 30.31, 120.20, 30.40)
EVIL = "<script>alert(1)</script>南&喆"  # the last character is not in the embedded font
MONTH = "/v1/scores/sections/2026-10"
CHINESE, ENGLISH = {"Accept-Language": "zh-CN"}, {"Accept-Language": "en"}
FORMS = ("html", "pdf", "docx", "xlsx")


def write_month(settings: Settings, analyst: TestClient) -> None:
    """Two sections are registered, and the example scheme is adopted from October 2026 on."""
    with open_database(settings) as database, database.write() as session:
        write_places(session, ("section", "S", EVIL, SOUTH), peer_group="=1+1")
        write_places(session, ("section", "N", "北片区", NORTH), area_path="/330105/330105001/")
    document = yaml.safe_load(example_schemes()["sections-by-scene"].read_text(encoding="utf-8"))
    kept = analyst.post("/v1/schemes", json={"document": document, "reason": "test"})
    assert kept.status_code == 201, kept.text
    adopt = {"month": "2026-10", "reason": "test"}
    assert analyst.post("/v1/schemes/sections/versions/1/adopt", json=adopt).status_code == 200


def act(client: TestClient, issue: str, kind: str, **asked: Any) -> None:
    tag = client.get(f"/v1/issues/{issue}").headers["etag"]
    answer = client.post(f"/v1/issues/{issue}/acts", json={"kind": kind, **asked}, headers={"If-Match": tag})
    assert answer.status_code == 201, answer.text


def photo(client: TestClient, content: bytes) -> str:
    answer = client.post("/v1/photos", files={"photo": ("a.jpg", content)}, data={"metadata": "{}"})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


@pytest.fixture
def inspector(person: Person) -> TestClient:
    return person(Role.INSPECTOR)


@pytest.fixture
def handler(person: Person) -> TestClient:
    return person(Role.HANDLER, unit="环卫所")


@pytest.fixture
def filed(inspector: TestClient, settings: Settings) -> Callable[..., str]:
    """Confirms a lead that was seen in October, and gives its issue's number."""

    def filed(lat: float = 30.25, photos: tuple[str, ...] = (), **fields: Any) -> str:
        seen = {"lon": 120.15, "lat": lat, "first_seen_at": OCTOBER, "last_seen_at": OCTOBER}
        with open_database(settings) as database, database.write() as session:
            candidate = write_lead(session, 1, 2, {**seen, **fields}, photos)
        answer = inspector.post(
            f"/v1/candidates/{candidate}/decisions", json={"kind": "confirm"}, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 201, answer.text
        with open_database(settings) as database, database.write() as session:
            issue = session.get_one(Issue, answer.json()["issue_id"])
            assign_places(session, issue, session.get_one(Candidate, candidate))
            issue.place = "=HYPERLINK(1)"
            return issue.number

    return filed


@pytest.fixture
def analyst(
    person: Person, settings: Settings, filed: Callable[..., str], inspector: TestClient, handler: TestClient,
    photos: list[bytes],
) -> TestClient:  # fmt: skip
    """Who asks; in October two places in the south: one closed with photos of both, one under an order."""
    analyst = person(Role.ANALYST)
    write_month(settings, analyst)
    cleared = filed(photos=(photo(inspector, photos[0]),))
    act(inspector, cleared, "dispatch", unit="环卫所")
    act(handler, cleared, "answer", text="已清理", photos=[photo(handler, photos[1])])
    act(inspector, cleared, "close", text="合格")
    hole = filed(30.26, class_name="pothole", condition="broken_facility")
    act(inspector, hole, "dispatch", unit="市政所")
    act(inspector, hole, "supervise", colour="yellow", text="限两日内修复")
    filed(30.2501)  # eleven metres from the first: the same place
    return analyst


def close(client: TestClient) -> dict[str, Any]:
    answer = client.post(f"{MONTH}/close", json={"note": "经会审定"})
    assert answer.status_code == 200, answer.text
    closed: dict[str, Any] = answer.json()
    return closed


def file(client: TestClient, what: str, form: str, language: dict[str, str] = CHINESE) -> bytes:
    answer = client.get(f"{MONTH}/{what}", params={"format": form}, headers=language)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer.content


def pages(content: bytes) -> str:
    """Text of a PDF without its spaces, which depend on where lines end."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages))


def words(content: bytes) -> str:
    document = read_word(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_closed_month_is_told_in_four_formats_that_agree(analyst: TestClient) -> None:
    closed = close(analyst)
    html = file(analyst, "bulletin", "html").decode()
    said = {
        "html": re.sub(r"<[^>]+>", "", html), "pdf": pages(file(analyst, "bulletin", "pdf")),
        "docx": words(file(analyst, "bulletin", "docx")),
    }  # fmt: skip
    book = load_workbook(io.BytesIO(file(analyst, "bulletin", "xlsx")))
    said["xlsx"] = "\n".join(str(cell.value) for sheet in book for row in sheet for cell in row if cell.value)

    for form, text in said.items():
        for expected in ("2026年10月", "示例方案", "未检查", "北片区", closed["sheets_sha256"],
                         closed["facts_sha256"], "同一点位", "镜头没有到过的地方", "经会审定"):  # fmt: skip
            assert expected in text, (form, expected)
        assert "预览稿" not in text, form
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in re.sub(r"data:[^\"]+", "", html), "it fetches nothing"


def test_a_workbook_has_numbers_that_can_be_added(analyst: TestClient) -> None:
    close(analyst)
    book = load_workbook(io.BytesIO(file(analyst, "bulletin", "xlsx")))
    assert book.sheetnames == [
        "说明", "排名", "评分表", "扣分明细", "台账", "分类统计", "检查覆盖", "识别质量", "指标数据",
    ]  # fmt: skip
    ranking = {row[3]: row for row in book["排名"].iter_rows(min_row=2, values_only=True)}
    assert ranking[EVIL][:2] == ("=1+1", "S"), "a name that looks like a formula stays a text"
    assert ranking[EVIL][4] == 98.5
    assert ranking["北片区"][4] == "未检查"
    points = [row[8] for row in book["扣分明细"].iter_rows(min_row=2, values_only=True)]
    assert sorted(points) == [-1, -0.5, 0]
    for name in book.sheetnames[1:]:
        assert book[name].freeze_panes == "A2", name
        assert book[name].auto_filter.ref, name
    found = book["台账"]["M2"].value
    assert found == datetime(2026, 10, 14, 11), "the city's clock, as a moment"
    assert all(cell.data_type != "f" for sheet in book for row in sheet for cell in row)


def test_a_document_can_be_worked_on_in_an_office(analyst: TestClient) -> None:
    close(analyst)
    document = read_word(io.BytesIO(file(analyst, "bulletin", "docx")))
    headings = [each.text for each in document.paragraphs if each.style and each.style.name == "Heading 1"]
    assert headings[:2] == ["排名", "分项得分"]
    assert headings[-1].startswith("检查覆盖")
    assert document.tables[0].rows[0].cells[1].text == "考核对象"
    assert document.core_properties.title == "2026年10月考核排名通报"
    assert "PAGE" in document.sections[0].footer._element.xml


def test_a_pdf_has_its_font_pages_and_text(analyst: TestClient) -> None:
    close(analyst)
    content = file(analyst, "bulletin", "pdf")
    reader = PdfReader(io.BytesIO(content))
    first = reader.pages[0]
    assert [round(float(side)) for side in first.mediabox[2:]] == [595, 842]
    assert f"1/{len(reader.pages)}" in pages(content)
    resources: Any = first["/Resources"]
    fonts = [each.get_object() for each in resources["/Font"].values()]
    inside = [each["/DescendantFonts"][0].get_object()["/FontDescriptor"] for each in fonts]
    assert any("NotoSansCJK" in str(each["/FontName"]) for each in inside)
    assert all(set(each) & {"/FontFile", "/FontFile2", "/FontFile3"} for each in inside)
    assert "U+5586" in pages(content), "a character that the font lacks is named"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_pictures_are_redacted_copies_without_metadata(analyst: TestClient, photos: list[bytes]) -> None:
    close(analyst)
    html = file(analyst, "bulletin", "html").decode()
    pictures = [b64decode(each) for each in re.findall(r"data:image/jpeg;base64,([^\"]+)", html)]
    assert len(pictures) == 3, "one of a typical problem, and a pair"
    for content in pictures:
        assert content not in photos
        image = Image.open(io.BytesIO(content))
        assert not image.getexif()
        assert image.info["icc_profile"][24:36] == bytes.fromhex("07d000010001000000000000"), "no time"
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "icc_profile"}
    assert "整改前" in html
    comparison = file(analyst, "comparison", "html").decode()
    assert comparison.count("data:image/jpeg") == 2
    pdf = PdfReader(io.BytesIO(file(analyst, "comparison", "pdf")))
    assert sum(len(page.images) for page in pdf.pages) == 2


def test_the_same_closed_month_gives_the_same_bytes(analyst: TestClient) -> None:
    close(analyst)
    for language in (CHINESE, ENGLISH):
        for form in FORMS:
            assert file(analyst, "bulletin", form, language) == file(analyst, "bulletin", form, language), (
                form
            )
    assert b"Ranking bulletin, 2026-10" in file(analyst, "bulletin", "html", ENGLISH)


def test_an_open_month_says_that_it_may_change(analyst: TestClient) -> None:
    assert "预览稿" in file(analyst, "bulletin", "html").decode()
    assert "预览稿" in pages(file(analyst, "bulletin", "pdf"))
    assert json.loads(file(analyst, "adjustments", "json"))["closed_at"] is None


def test_every_line_says_what_it_rests_on(analyst: TestClient) -> None:
    close(analyst)
    told = json.loads(file(analyst, "adjustments", "json"))
    assert (told["scheme"], told["version"], told["example"], told["partial"]) == ("sections", 1, True, False)
    assert all(row["issue"] and row["decision"] and row["photos"] and row["rule"] for row in told["items"])
    assert sum(Decimal(row["points"]) for row in told["items"]) == Decimal("-1.5")
    rows = lines(file(analyst, "adjustments", "csv"))
    assert [row["说明"] for row in rows].count("与另一问题同一点位") == 1
    assert {row["方案版本"] for row in rows} == {"1"}
    assert lines(file(analyst, "adjustments", "csv", ENGLISH))[0]["why"] == "counted"


def test_what_is_given_back_is_a_line_with_its_reason(
    analyst: TestClient, inspector: TestClient, person: Person, filed: Callable[..., str]
) -> None:
    contested = next(
        row["问题编号"] for row in lines(file(analyst, "ledger", "csv")) if row["问题类型"] == "坑洞"
    )
    close(analyst)
    act(person(Role.HANDLER, unit="市政所"), contested, "appeal", text="不在辖区")
    act(inspector, contested, "uphold_appeal", text="证据成立")
    filed(30.29, first_seen_at=datetime(2026, 11, 3, tzinfo=UTC))
    while filed(31.0, area_path="/330108/") != contested:
        continue
    for other in inspector.get("/v1/issues", params={"area": "/330108/"}).json()["items"]:
        act(inspector, other["id"], "drop", reason="duplicate")  # one of them has the number, too
    november = "/v1/scores/sections/2026-11"
    told = analyst.get(f"{november}/adjustments", params={"format": "json"}).json()
    [back] = [row for row in told["items"] if row["why"] == "restored"]
    assert (back["others"], Decimal(back["points"]), back["basis"], back["reason"]) == (
        contested, Decimal(1), "2026-10", "upheld",
    )  # fmt: skip
    html = analyst.get(f"{november}/bulletin", headers=CHINESE).text
    assert "申诉成立" in html
    assert "+1.00" in html


def test_the_ledger_of_a_closed_month_stays(
    analyst: TestClient, inspector: TestClient, handler: TestClient
) -> None:
    close(analyst)
    before = file(analyst, "ledger", "csv")
    rows = {row["问题编号"]: row for row in lines(before)}
    assert sorted(row["台账状态"] for row in rows.values()) == ["已派遣", "已确认", "已销号"]
    open_one = next(number for number, row in rows.items() if row["台账状态"] == "已确认")
    act(inspector, open_one, "drop", reason="duplicate")
    assert file(analyst, "ledger", "csv") == before
    assert {row["位置描述"] for row in rows.values()} == {"'=HYPERLINK(1)"}, "no formula"


def test_orders_of_a_month_are_printed_together(analyst: TestClient) -> None:
    month = f"/v1/scores/sections/{datetime.now(ZONE):%Y-%m}/supervisions"
    html = analyst.get(month, headers=CHINESE).text
    assert "限两日内修复" in html
    assert "督办单" in html
    assert "黄色" in html
    pdf = analyst.get(month, params={"format": "pdf"}, headers=CHINESE).content
    assert "限两日内修复" in pages(pdf)
    empty = analyst.get(f"{MONTH}/supervisions", headers=CHINESE)
    assert "本期未签发督办单" in empty.text


def test_who_sees_a_part_of_the_city_gets_lines_and_pictures_of_it(
    analyst: TestClient, person: Person
) -> None:
    close(analyst)
    elsewhere = person(Role.STREET_CHIEF, ["/330105/"])
    html = file(elsewhere, "bulletin", "html").decode()
    assert "98.50" in html, "the ranking is public"
    assert "data:image" not in html
    assert "您有权查看" in html
    assert lines(file(elsewhere, "adjustments", "csv")) == []
    assert lines(file(elsewhere, "ledger", "csv")) == []
    assert json.loads(file(elsewhere, "adjustments", "json"))["partial"] is True
    assert person(Role.VIEWER).get(f"{MONTH}/bulletin").status_code == 403
    assert analyst.get(f"{MONTH}/bulletin", params={"format": "odt"}).status_code == 422
    assert analyst.get("/v1/scores/nothing/2026-10/bulletin").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_year_is_told_by_its_closed_months(analyst: TestClient) -> None:
    close(analyst)
    for period in ("2026-Q4", "2026"):
        html = analyst.get(f"/v1/scores/sections/{period}/bulletin", headers=CHINESE).text
        assert "各月得分" in html
        assert "2026-10" in html
        rows = lines(analyst.get(f"/v1/scores/sections/{period}/adjustments").content)
        assert len(rows) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_writes_what_the_server_answers(
    analyst: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    close(analyst)
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)

    def run(*arguments: str) -> tuple[int, str]:
        answer = CliRunner().invoke(app, ["score", *arguments, "--lang", "zh"])
        return answer.exit_code, answer.stderr

    for form in FORMS:
        path = tmp_path / f"bulletin.{form}"
        assert run("bulletin", "sections", "2026-10", "--output", str(path)) == (0, "")
        assert path.read_bytes() == file(analyst, "bulletin", form)
    for what, form in (("adjustments", "csv"), ("adjustments", "json"), ("ledger", "csv")):
        path = tmp_path / f"{what}.{form}"
        assert run(what, "sections", "2026-10", "-o", str(path)) == (0, "")
        assert path.read_bytes() == file(analyst, what, form)
    status, said = run("bulletin", "sections", "2026-10", "-o", str(tmp_path / "a.odt"))
    assert (status, ".html, .pdf, .docx, .xlsx" in said) == (3, True)
    status, said = run("bulletin", "sections", "2026-10", "-o", str(tmp_path / "none" / "a.html"))
    assert status == 3
    assert "none" in said
    status, said = run("bulletin", "sections", "October", "-o", str(tmp_path / "a.html"))
    assert (status, "2026-11" in said) == (3, True)
