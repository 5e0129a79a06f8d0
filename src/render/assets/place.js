// Where am I: the outline, the bar at the top, the ticks of the steps on screen.
// What a filter leaves out is nowhere.
const prompts = () => $$('.turn[id], .prompt.aside').filter(p => p.getClientRects().length);
let links;
let marked = [];
let sparks = [];
// Of each spark, the ticks on screen.
const seen = new Map();

// Reads the outline: the entry of each prompt, and of each spark which steps its ticks stand for.
function chart() {
  links = new Map($$('.outline a').map(a => [a.hash.slice(1), a.parentNode]));
  marked = [];
  seen.clear();
  sparks = $$('.spark').map(svg => ({
    svg,
    from: +svg.dataset.from,
    at: svg.dataset.at && svg.dataset.at.split(' ').map(at => at.split('.').map(Number)),
    ticks: svg.viewBox.baseVal.width / 5,
  }));
}

// Brings an entry of the outline into view. Those out of view have the height that style guesses until they are drawn,
// so it is looked again in the frames after.
function bring(entry, again = 4) {
  if (!marked.includes(entry)) return;
  const list = entry.parentNode;
  const top = entry.offsetTop - list.offsetTop;
  const out = top < list.scrollTop || top + entry.offsetHeight > list.scrollTop + list.clientHeight;
  if (out) list.scrollTop = top - 24;
  if (again) requestAnimationFrame(() => bring(entry, again - 1));
}

// The sheet of a phone opens where one is.
rail.addEventListener('toggle', e => {
  if (e.newState === 'open' && marked[0]) bring(marked[0]);
});

// Marks in the outline what is read, and names it in the bar.
function mark() {
  // What is read stands near the top; over the last screen the line goes down, so that every prompt gets its turn.
  const left = Math.max(0, html.scrollHeight - scrollY - innerHeight);
  const top = Math.min(160, innerHeight * 0.3);
  const line = top + (innerHeight - top) * Math.max(0, 1 - left / innerHeight) * (scrollY > 0);
  const all = prompts();
  const cur = all.filter(p => p.getBoundingClientRect().top < line).pop() || all[0];
  const turn = cur && cur.closest('.turn');
  const on = [turn && links.get(turn.id), cur && links.get(cur.id)].filter(Boolean);
  if (on.some(li => !marked.includes(li)) || marked.length !== on.length) {
    marked.forEach(li => li.classList.remove('on'));
    on.forEach(li => li.classList.add('on'));
    marked = on;
    if (on[0] && !rail.matches(':hover')) bring(on[0]);
  }
  $('.now').textContent = cur ? $('.prompt h2,.prompt h3', cur).textContent : $('h1').textContent;
  const n = turn && turn.id.slice(1);
  const of = $$('.outline > li > a[href*="#p"]').filter(a => a.hash !== '#p0').length;
  const counted = n > 0 && of > 1;
  $('.pos').textContent = counted ? `${n} of ${of}` : 'Outline';
  $('.topbar .unseen').hidden = !counted;
}

let due;
addEventListener(
  'scroll',
  () => {
    if (!due) {
      due = requestAnimationFrame(() => {
        due = 0;
        mark();
      });
    }
  },
  { passive: true },
);

// A line under the ticks of the steps on screen.
const underline = s => {
  if (!s.path) {
    s.path = s.svg.firstElementChild.cloneNode();
    s.path.setAttribute('class', 'seen');
    s.svg.append(s.path);
  }
  s.path.setAttribute('d', [...seen.get(s)].map(x => `M${x * 5 - 1} 14h5v2h-5z`).join(''));
};
const onScreen = new IntersectionObserver(es => {
  const touched = new Set();
  es.forEach(e => {
    // `s8`, or `s8.1` of a sub-agent; what is deeper shows as the step it is in.
    const [n, inside = 0] = e.target.id.slice(1).split('.').map(Number);
    const s = sparks.findLast(s => s.from <= n);
    if (!s) return;
    const i = n - s.from;
    const x = s.at ? s.at.findLastIndex(([a, b = 0]) => a < i || (a === i && b <= inside)) : i;
    if (x >= s.ticks) return;
    if (!seen.has(s)) seen.set(s, new Set());
    seen.get(s)[e.isIntersecting ? 'add' : 'delete'](x);
    touched.add(s);
  });
  touched.forEach(underline);
});

const watch = e =>
  $$('.step[id]', e)
    .filter(s => /^s[\d.]+$/.test(s.id))
    .forEach(s => onScreen.observe(s));

chart();
watch(main);
mark();
