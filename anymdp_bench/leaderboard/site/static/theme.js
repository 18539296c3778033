"use strict";
// The reader's choice between light, dark and the system's theme; kept where storage is allowed.
(() => {
  const order = ["system", "light", "dark"];
  let theme = "system";
  try { theme = localStorage.getItem("theme") || theme; } catch { /* storage may be forbidden */ }
  if (!order.includes(theme)) theme = "system";
  const apply = () => { document.documentElement.dataset.theme = theme; };
  apply();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => { button.textContent = `Theme: ${theme}`; };
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      theme = order[(order.indexOf(theme) + 1) % order.length];
      try { localStorage.setItem("theme", theme); } catch { /* storage may be forbidden */ }
      apply();
      show();
    });
  });
})();
