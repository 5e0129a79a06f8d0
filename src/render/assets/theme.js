// Before the first paint, so that a chosen theme does not flash. The page works without a script.
const html = document.documentElement;
const store = {
  get: k => {
    try {
      return localStorage.getItem(k);
    } catch {
      return null;
    }
  },
  set: (k, v) => {
    try {
      localStorage.setItem(k, v);
    } catch {}
  },
};
const theme = v => {
  v === 'light' || v === 'dark' ? html.setAttribute('data-theme', v) : html.removeAttribute('data-theme');
};
const query = new URLSearchParams(location.search);
let chosen = query.get('theme') || store.get('theme') || 'auto';
theme(chosen);
