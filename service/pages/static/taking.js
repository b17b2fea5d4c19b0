// Photos into a queue: chosen, taken with the device's camera, dropped or pasted.
import { notice } from "./notice.js";
import { say } from "./words.js";

/**
 * Watch #files, #camera, and what is dropped on the page or pasted.
 *
 * @param {PhotoQueue} queue
 * @param {HTMLElement} area shows that files may be dropped
 * @param {{afterAdding?: (photos: Photo[]) => void, afterCamera?: (photos: Photo[]) => void}} calls
 */
export function takeFiles(queue, area, { afterAdding = () => {}, afterCamera = () => {} } = {}) {
  const take = (files, taken = false) => {
    const { added, known, tooMany } = queue.add(files, taken);
    if (known) notice(say("{count} of them were here already.", { count: known }), { key: "files" });
    if (tooMany) notice(say("{most} photos at most at a time: {count} were left out.", { most: queue.limit, count: tooMany }), { bad: true, key: "files" });
    if (taken && added.length) afterCamera(added);
    afterAdding(added);
  };
  document.documentElement.classList.toggle("touch", navigator.maxTouchPoints > 0); // with a mouse there is no camera to ask for
  for (const id of ["files", "camera"]) {
    const input = document.getElementById(id);
    const chosen = () => { if (input.files.length) take(input.files, id === "camera"); input.value = ""; };
    input.addEventListener("change", chosen);
    queueMicrotask(chosen); // what was chosen before this script was there
  }
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => { if (holdsFiles(event)) { event.preventDefault(); area.classList.add("dropping"); } });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) area.classList.remove("dropping"); });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    area.classList.remove("dropping");
    take(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => { if (event.clipboardData?.files.length) take(event.clipboardData.files); });
}
