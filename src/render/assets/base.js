// What all parts use.
// The first element of a selector, all of them, and a new one.
const $ = (s, e = document) => e.querySelector(s);
const $$ = (s, e = document) => [...e.querySelectorAll(s)];
const make = (tag, props = {}, ...inside) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...inside);
  return e;
};
// A page of its own (a notice, one step) has no rail.
const main = $('main');
const rail = $('#rail');

// Keys belong to who types.
const typing = e => e.closest && e.closest('input,textarea,select,dialog');

// A word on what was just done, for the eye and for who does not see.
const told = make('p', { className: 'told' });
told.setAttribute('role', 'status');
let telling;
function tell(words) {
  if (!told.isConnected) document.body.append(told);
  told.textContent = words;
  told.classList.add('on');
  clearTimeout(telling);
  telling = setTimeout(() => told.classList.remove('on'), 2500);
}

// The largest unit that fits a number of seconds, and how many of it.
const UNITS = [
  ['minute', 60, 3600],
  ['hour', 3600, 86400],
  ['day', 86400, 2592e3],
  ['month', 2592e3, 31536e3],
  ['year', 31536e3, Infinity],
];
function ago(seconds) {
  const [unit, length] = UNITS.find(([, , end]) => seconds < end);
  const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  return words.format(-Math.floor(seconds / length), unit);
}

// The date says how long ago; the exact time is in its title.
function relative(e) {
  $$('time[data-rel], time[data-since]', e).forEach(t => {
    const seconds = (Date.now() - Date.parse(t.dateTime)) / 1000;
    if (!(seconds >= 0)) return;
    if ('since' in t.dataset) {
      t.textContent = 'started ' + ago(seconds);
    } else if (!t.firstElementChild) {
      t.append(' ', make('span', { className: 'sub', textContent: ago(seconds) }));
    }
  });
}
relative(document);
