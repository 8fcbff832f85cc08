// A button that copies what a field holds; without this file the field is selected and copied by hand.
"use strict";
for (const button of document.querySelectorAll("button[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  const said = document.getElementById(button.dataset.says);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.focus();
    field.select();
    let done = false;
    try {
      await navigator.clipboard.writeText(field.value);
      done = true;
    } catch {
      // Without HTTPS, or where the browser refuses: the older way copies what is selected.
      done = document.execCommand("copy");
    }
    said.textContent = done ? button.dataset.done : button.dataset.failed;
    button.focus();
  });
}
