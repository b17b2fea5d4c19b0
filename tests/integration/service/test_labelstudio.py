"""Label Studio's ML backend: boxes where its configuration wants them, from pictures it may show us."""

import base64
import io
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import SecretStr

from streetsight.service.labelstudio.config import BadConfig, read_config

CONFIG = """<View><Image name="img" value="$photo"/><RectangleLabels name="box" toName="img">
<Label value="Garbage"/><Label value="机动车"/><Label value="Motor vehicle" alias="motor_vehicle"/>
<Label value="Unknown thing"/></RectangleLabels></View>"""


def data_uri(photo: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"


def everything(client: TestClient) -> str:
    """A configuration that has a label for every class."""
    from streetsight.models.taxonomy import default_taxonomy

    labels = "".join(f'<Label value="{each.zh}"/>' for each in default_taxonomy().classes)
    return (
        '<View><Image name="img" value="$photo"/><RectangleLabels name="box" toName="img">'
        f"{labels}</RectangleLabels></View>"
    )


def predict(client: TestClient, *references: Any, config: str | None = None, **headers: str) -> Any:
    tasks = [{"id": number, "data": {"photo": each}} for number, each in enumerate(references)]
    body = {"tasks": tasks, "label_config": config or everything(client), "project": "1.2", "params": {}}
    return client.post("/labelstudio/predict", json=body, headers=headers)


def test_predictions_are_the_detections_in_percent(client: TestClient, photos: list[bytes]) -> None:
    detected = client.post("/v1/detect", files={"photo": photos[0]}).json()
    answer = predict(client, data_uri(photos[0])).json()
    (result,) = answer["results"]
    assert result["model_version"] == answer["model_version"] == detected["release"]
    assert len(result["result"]) == len(detected["detections"]) > 0
    width, height = detected["width"], detected["height"]
    for region, found in zip(result["result"], detected["detections"], strict=True):
        assert (region["from_name"], region["to_name"], region["type"]) == ("box", "img", "rectanglelabels")
        assert (region["original_width"], region["original_height"]) == (width, height)
        x, y, w, h = (region["value"][each] for each in ("x", "y", "width", "height"))
        box = [x * width, y * height, (x + w) * width, (y + h) * height]
        assert [each / 100 for each in box] == pytest.approx(found["box_xyxy_px"], abs=1e-6)
        assert region["score"] == found["score"]


def test_our_own_frames_are_found_by_address_and_digest(
    client: TestClient, photos: list[bytes], new_token: Callable[..., str]
) -> None:
    frame = client.post("/v1/frames", files={"photo": photos[0]}).json()
    path = f"/v1/frames/{frame['id']}/photo"
    answer = predict(client, path, f"https://elsewhere{path}", frame["sha256"], f"sha256:{frame['sha256']}")
    results = answer.json()["results"]
    assert [each["error"] for each in results] == [None] * 4
    assert results[0]["result"] == results[1]["result"] == results[2]["result"] != []
    only_detect = predict(client, path, Authorization=f"Bearer {new_token('detect')}").json()["results"]
    assert "not for read" in only_detect[0]["error"]


def test_a_token_comes_as_bearer_or_as_the_password_of_basic_auth(
    client: TestClient, new_token: Callable[..., str]
) -> None:
    token = new_token("detect")
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    for good in (f"Bearer {token}", f"Basic {basic}"):
        told = client.get("/labelstudio/health", headers={"Authorization": good})
        assert (told.status_code, told.json()["status"]) == (200, "UP")
    wrong = base64.b64encode(b"anybody:wrong").decode()
    for bad in ("", "Basic", "Basic !!!", f"Basic {wrong}", "Bearer ssd_wrong", "Digest x"):
        assert client.get("/labelstudio/health", headers={"Authorization": bad}).status_code == 401
    upload_only = {"Authorization": f"Bearer {new_token('upload')}"}
    assert client.get("/labelstudio/health", headers=upload_only).status_code == 403


def test_a_task_without_a_usable_picture_costs_no_other(client: TestClient, photos: list[bytes]) -> None:
    references = [
        None, 7, "data:image/jpeg,plain", "data:image/jpeg;base64,????", data_uri(b"no photo"),
        "file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "http://[::1", "ftp://x/y.jpg",
        "/v1/frames/01a202a5-6d5b-7a88-97a0-459c963560b5/photo", "x" * 5000, data_uri(photos[0]),
    ]  # fmt: skip
    answer = predict(client, *references)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [bool(each["error"]) for each in results] == [True] * (len(references) - 1) + [False]
    assert "STREETSIGHT_LABELSTUDIO_HOSTS" in results[6]["error"]
    assert results[-1]["result"]


class _Pictures(BaseHTTPRequestHandler):
    photo = b""
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/")
        else:
            self.send_response(200 if self.path.startswith("/data/") else 404)
        self.end_headers()
        if self.path.startswith("/data/"):
            self.wfile.write(self.photo)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def pictures(photos: list[bytes]) -> Iterator[str]:
    """A web server with one photo, as Label Studio is."""
    _Pictures.photo = photos[0]
    _Pictures.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_pictures_are_fetched_from_allowed_hosts_only_and_redirects_lead_nowhere(
    start: Callable[..., TestClient], pictures: str
) -> None:
    url = f"http://{pictures}/data/upload/1.jpg"
    assert "not fetched from" in predict(start(), url).json()["results"][0]["error"]
    assert _Pictures.asked == []
    allowed = start(labelstudio_hosts=f"example.org, {pictures}")
    fetched, away, lost = predict(allowed, url, f"http://{pictures}/away", f"http://{pictures}/no").json()[
        "results"
    ]
    assert fetched["result"]
    assert "302" in away["error"]
    assert "404" in lost["error"]
    assert {token for _, token in _Pictures.asked} == {None}
    own = start(labelstudio_url=f"http://{pictures}", labelstudio_token=SecretStr("secret"))
    assert predict(own, "/data/upload/1.jpg").json()["results"][0]["result"]
    assert _Pictures.asked[-1] == ("/data/upload/1.jpg", "Token secret")
    small = start(labelstudio_hosts=pictures, max_photo_bytes=100)
    assert "more than 100 bytes" in predict(small, url).json()["results"][0]["error"]


def test_labels_are_found_by_name_in_either_language() -> None:
    config = read_config(CONFIG)
    assert (config.from_name, config.to_name, config.data_key) == ("box", "img", "photo")
    assert config.labels["garbage"] == "Garbage"
    assert "Unknown thing" not in config.labels.values()


@pytest.mark.parametrize(
    "config",
    [
        "", "no xml", "<View/>", "<View><RectangleLabels name='b' toName='i'/></View>",
        "<View><Image name='i' value='fixed'/><RectangleLabels name='b' toName='i'/></View>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><View>&b;</View>",
        "<!DOCTYPE a [<!ENTITY b 'x'>]><View>&b;</View>", "<View>" * 5000,
    ],
)  # fmt: skip
def test_configurations_without_boxes_or_with_entities_are_refused(client: TestClient, config: str) -> None:
    with pytest.raises(BadConfig):
        read_config(config)
    if config:
        assert predict(client, "x", config=config).json()["code"] == "bad_label_config"
        assert client.post("/labelstudio/setup", json={"schema": config}).json()["code"] == "bad_label_config"


def test_setup_and_webhook_answer_as_label_studio_expects(client: TestClient) -> None:
    told = client.post(
        "/labelstudio/setup", json={"project": "1", "schema": CONFIG, "hostname": "x", "extra": 1}
    )
    assert told.json() == {"model_version": client.get("/readyz").json()["release"]}
    event = client.post("/labelstudio/webhook", json={"action": "ANNOTATION_CREATED", "annotation": {}})
    assert (event.status_code, event.json()["status"]) == (200, "ignored")


def test_a_turned_photo_has_upright_boxes(client: TestClient, photos: list[bytes]) -> None:
    into, picture = io.BytesIO(), Image.open(io.BytesIO(photos[0]))
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    picture.save(into, "JPEG", exif=exif)
    regions = predict(client, data_uri(into.getvalue())).json()["results"][0]["result"]
    assert all(
        (each["original_width"], each["original_height"]) == (picture.height, picture.width)
        for each in regions
    )
