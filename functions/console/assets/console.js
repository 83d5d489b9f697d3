// The little that neither the pages' markup nor htmx can say. Pages work without it, one after the other.

// What is loaded into a dialog opens it. A page in its place (names have to be read first, say) is gone to instead.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.detail.target;
  if (!(dialog instanceof HTMLDialogElement)) return;
  if (dialog.childElementCount === 0) location.assign(event.detail.pathInfo.requestPath);
  else if (!dialog.open) dialog.showModal();
});

// Cancel is a link for those without a script; within a dialog it closes it.
document.addEventListener("click", (event) => {
  const dialog = event.target.closest("[data-closes]")?.closest("dialog");
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
});

// A session that has ended says so.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.reload();
});
