"""Write what was measured into the READMEs: accuracy from the card in force, speed from out/bench.json, a picture.

`make figures` runs it; a test checks that the accuracy shown is the card's.
"""

import json
import re
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from PIL import Image

from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.inference.drawing import draw_detections
from streetsight.inference.pipeline import detect_photos, open_detector
from streetsight.inference.reading import read_photo
from streetsight.inference.sources import find_photos
from streetsight.models.card import Card, Evaluation
from streetsight.models.releases import Release, load_release
from streetsight.models.taxonomy import Language, default_taxonomy

ROOT = Path(__file__).parents[1]
READMES: dict[Language, Path] = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
PICTURE = ROOT / "docs" / "images" / "simulated.png"
BENCH = ROOT / "out" / "bench.json"

ACCURACY = {
    "en": (
        "Release `{address}` on {photos} real photos of places it was never trained on, measured on the shipped ONNX "
        "through the same code that serves it. A class is judged only on photos whose source labelled it. Precision "
        "and recall are at the deployed thresholds, IoU 0.5. Where boxes are few, the figures are rough. Rendered "
        "frames never count.\n\n"
        "| class | condition | photos | boxes | AP50 | AP50-95 | precision | recall |\n|---|---|---|---|---|---|---|---|\n"
        "{rows}\n\nMean AP50 over the eight classes of conditions: **{mean}**. `streetsight models show` has the "
        "rest: validation figures, data, limits."
    ),
    "zh": (
        "模型版本 `{address}`,在 {photos} 张从未参与训练的地点的真实照片上,用随附的 ONNX 经与部署相同的代码测得。每个类别只在"
        "标注了该类别的数据源上评价。精确率和召回率取部署阈值,IoU 0.5。框数少的类别,数字仅供参考。渲染画面不计入。\n\n"
        "| 类别 | 问题类型 | 照片 | 框 | AP50 | AP50-95 | 精确率 | 召回率 |\n|---|---|---|---|---|---|---|---|\n"
        "{rows}\n\n八个问题类别的平均 AP50:**{mean}**。验证集数字、数据与局限见 `streetsight models show`。"
    ),
}
SPEED = {
    "en": (
        "`make bench`, {cores} CPU cores, real photos cut to 16:9 and 4:3 and scaled up; ratios taken within one run:\n\n"
        "| question | 1080p | 12 MP |\n|---|---|---|\n"
        "| photos/s of a folder against `yolo predict` with the .pt (not saving / saving pictures) | {pt_hd}x / {pts_hd}x | {pt_12}x / {pts_12}x |\n"
        "| against ultralytics with the same ONNX | {onnx_hd}x | {onnx_12}x |\n\n"
        "The same ONNX through ultralytics differs by {plain} points of mAP50-95 on the photos as they are and by "
        "{up} on the same photos scaled up to 12 MP. `streetsight detect one.jpg` takes {cold} of the time of "
        "`yolo predict`. Peak memory over 500 photos of 12 MP: {peak} MB, growth over the second half {growth} MB."
    ),
    "zh": (
        "`make bench`,{cores} 核 CPU,真实照片裁为 16:9 和 4:3 并放大;比值取自同一次运行:\n\n"
        "| 问题 | 1080p | 1200 万像素 |\n|---|---|---|\n"
        "| 整个文件夹每秒照片数,对比 `yolo predict`(.pt;不保存/保存图片) | {pt_hd} 倍 / {pts_hd} 倍 | {pt_12} 倍 / {pts_12} 倍 |\n"
        "| 对比 ultralytics 运行同一 ONNX | {onnx_hd} 倍 | {onnx_12} 倍 |\n\n"
        "同一 ONNX 经 ultralytics 的 mAP50-95 相差:原照片 {plain} 个百分点,放大到 1200 万像素 {up} 个百分点。"
        "`streetsight detect one.jpg` 用时为 `yolo predict` 的 {cold}。500 张 1200 万像素照片峰值内存 {peak} MB,后半程增长 {growth} MB。"
    ),
}


def accuracy(card: Card, language: Language) -> str:
    """The accuracy block: the test figures of a card as Markdown."""
    (figures,) = (each for each in card.evaluations if each.part == "test")
    return ACCURACY[language].format(
        address=card.address,
        photos=figures.photos,
        rows=_rows(figures, language),
        mean=f"{condition_mean(figures):.3f}",
    )


def condition_mean(figures: Evaluation) -> float:
    """Mean AP50 over the classes that are leads for a condition."""
    taxonomy = default_taxonomy()
    values = [row.ap50 for row in figures.classes if taxonomy[row.name].condition]
    return sum(values) / len(values)


def _rows(figures: Evaluation, language: Language) -> str:
    taxonomy, lines = default_taxonomy(), []
    for row in figures.classes:
        entry = taxonomy[row.name]
        condition = taxonomy.conditions[entry.condition].label(language) if entry.condition else "-"
        shown = [f"{value:.2f}" if value is not None else "-" for value in (row.precision, row.recall)]
        lines.append(
            f"| {entry.label(language)} | {condition} | {row.photos} | {row.boxes} | {row.ap50:.3f} "
            f"| {row.ap50_95:.3f} | {shown[0]} | {shown[1]} |"
        )
    return "\n".join(lines)


def speed(bench: dict[str, Any], language: Language) -> str:
    """The speed block: figures of one `make bench` as Markdown."""
    hd, large = bench["folder"]["1080p"], bench["folder"]["12MP"]
    return SPEED[language].format(
        cores=bench["cores"],
        pt_hd=hd["x_pt"], pt_12=large["x_pt"], pts_hd=hd["x_pt_saving"], pts_12=large["x_pt_saving"],
        onnx_hd=hd["x_onnx"], onnx_12=large["x_onnx"],
        plain=bench["accuracy"]["as they are"]["points"], up=bench["accuracy"]["scaled up to 12MP"]["points"],
        cold=bench["cold_start"]["share_of_yolo_predict"], peak=bench["memory"]["peak_mb"],
        growth=bench["memory"]["growth_second_half_mb"],
    )  # fmt: skip


def block(text: str, name: str) -> str:
    """What stands between the marks `name:begin` and `name:end`."""
    found = re.search(rf"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", text, re.DOTALL)
    if found is None:
        raise ValueError(f"no block {name!r} between <!-- {name}:begin --> and <!-- {name}:end -->")
    return found[1].strip()


def with_block(text: str, name: str, content: str) -> str:
    """The text with the block replaced."""
    block(text, name)
    marks = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    return re.sub(
        f"{marks[0]}.*?{marks[1]}", lambda _: f"{marks[0]}\n{content}\n{marks[1]}", text, flags=re.DOTALL
    )


def picture(release: Release) -> Image.Image:
    """The rendered frame of the demo patrol on which the release finds most, with boxes."""
    with tempfile.TemporaryDirectory() as folder:
        deque(simulate_patrol(Path(folder), frames=12, weathers=("day",)), maxlen=0)
        sources = find_photos([f"{folder}/frames"])
        results = list(detect_photos(sources, *open_detector(release, len(sources))))
        best = max(range(len(results)), key=lambda index: len(results[index].detections or ()))
        photo = read_photo(sources[best].read())
    found = results[best].detections
    assert found is not None
    drawn = draw_detections(photo.image_rgb_hwc, photo.size_wh, found, release.card)
    return drawn.resize((960, 540), Image.Resampling.LANCZOS).quantize(256)


def main() -> None:
    release = load_release()
    picture(release).save(PICTURE, optimize=True)
    card = release.card
    for language, path in READMES.items():
        text = with_block(path.read_text(encoding="utf-8"), "accuracy", accuracy(card, language))
        if BENCH.is_file():
            text = with_block(text, "speed", speed(json.loads(BENCH.read_text()), language))
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
