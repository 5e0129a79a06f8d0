// Copying: code, a block with what is folded of it, a reply, a thought, a step, the address of each.
const BLOCKS = '.block, .out, .code, .cmdline, .diff';
const THOUGHTS = '.mind > details > .body > .prose';

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission, or not over https.
    const box = make('textarea', { value: text, className: 'unseen' });
    document.body.append(box);
    box.select();
    const done = document.execCommand('copy');
    box.remove();
    if (!done) return tell('Your browser did not allow copying');
  }
  tell(what + ' copied');
}

// A row of a diff as a patch has it; of a new file, the text alone.
function line(row) {
  if (row.matches('.skip')) return '';
  const text = row.lastElementChild.textContent;
  if (row.closest('.fresh')) return text;
  if (row.matches('.add')) return '+' + text;
  return (row.matches('.del') ? '-' : ' ') + text;
}

// What prose says as one sees it, our buttons aside.
function said(prose) {
  html.classList.add('copying');
  const text = prose.innerText.trim();
  html.classList.remove('copying');
  return text;
}

// What a block says, with what is folded away below it.
function textOf(block) {
  const lines = (selector, from, text) => $$(selector, from).map(text).join('\n');
  if (block.matches('.prose')) return said(block);
  let own = block.textContent;
  if (block.matches('.code')) own = lines('li', block, li => li.textContent);
  if (block.matches('.diff')) own = lines('tr', whole.get(block) || block, line);
  const more = block.nextElementSibling;
  return more && more.matches('.more') ? [own, ...$$(BLOCKS, more).map(textOf)].join('\n') : own;
}

// A bar of no height before the block holds its button: lists and tables cannot. What is folded away gets its own
// when it is opened.
function offerCopies(e) {
  $$(`${BLOCKS}, ${THOUGHTS}`, e).forEach(block => {
    if (block.closest('details:not([open])')) return;
    const before = block.previousElementSibling;
    if (block.parentNode.matches('.more') || (before && before.matches('.copybar'))) return;
    const [what, label] = block.matches('.prose')
      ? ['Thought', 'Copy this thought']
      : ['Block', block.matches('.diff') ? 'Copy the diff' : 'Copy this block'];
    block.before(make('div', { className: 'copybar' }, copier(block, what, label)));
  });
  const replies = e.matches && e.matches('.reply') ? [e] : $$('.reply', e);
  replies.forEach(reply => {
    const acts = $(':scope > .acts', reply);
    if (!$('.copy', acts)) acts.prepend(copier(reply, 'Reply', 'Copy this reply'));
  });
}

function copier(block, what, label) {
  const button = make('button', { type: 'button', className: 'copy', textContent: 'Copy' });
  button.setAttribute('aria-label', label);
  button.addEventListener('click', () => copy(textOf(block), what));
  return button;
}

function copyStep(step) {
  if (step.matches('.reply')) return copy(said(step), 'Reply');
  const thought = step.matches('.mind') && $(':scope > details > .body > .prose', step);
  if (thought) return copy(said(thought), 'Thought');
  const blocks = $$(BLOCKS, step).filter(b => !b.parentNode.matches('.more'));
  copy([$('.what', step).textContent.trim(), ...blocks.map(textOf)].join('\n\n'), 'Step');
}

document.addEventListener(
  'toggle',
  e => {
    if (e.target.open && main.contains(e.target)) offerCopies(e.target);
  },
  true,
);

// A click on a permalink follows it, and copies it.
document.addEventListener('click', e => {
  const a = e.target.closest('.step > .link, .acts > .link, .prompt > .no');
  if (a && !e.button && !e.ctrlKey && !e.metaKey && !e.shiftKey && !e.altKey) copy(a.href, 'Link');
});

// Which diffs are shown in two columns: the whole of them, as they came.
const whole = new WeakMap();

// The whole session, as Markdown.
const all = $('#all');
if (all && navigator.clipboard) {
  all.hidden = false;
  all.addEventListener('click', async () => {
    const answer = await fetch(all.value).catch(() => ({}));
    if (answer.ok) {
      copy(await answer.text(), 'The session');
    } else {
      tell(answer.status === 413 ? 'This session is too long to be copied' : 'That did not work. Try again.');
    }
  });
}
if (main) offerCopies(main);
