// Copying: code, a block with what is folded of it, a step, the address of a step.
const BLOCKS = '.block, .out, .code, .cmdline, .diff';
async function copy(text, what) {
  try { await navigator.clipboard.writeText(text) }
  catch {
    // Without the permission, or not over https.
    const box = make('textarea', { value: text, className: 'unseen' });
    document.body.append(box); box.select();
    const done = document.execCommand('copy'); box.remove();
    if (!done) return tell('Your browser did not allow copying');
  }
  tell(what + ' copied');
}
const line = row => (row.matches('.skip') ? '' : (row.closest('.fresh') ? '' : row.matches('.add') ? '+' : row.matches('.del') ? '-' : ' ') + row.lastElementChild.textContent);
function textOf(block) {
  const own = block.matches('.code') ? $$('li', block).map(li => li.textContent).join('\n')
    : block.matches('.diff') ? $$('tr', whole.get(block) || block).map(line).join('\n')
    : block.textContent;
  const more = block.nextElementSibling;
  return more && more.matches('.more') ? [own, ...$$(BLOCKS, more).map(textOf)].join('\n') : own;
}
// A bar of no height before the block holds its button: lists and tables cannot.
function offerCopies(e) {
  $$(BLOCKS, e).forEach(block => {
    const before = block.previousElementSibling;
    if (block.parentNode.matches('.more') || (before && before.matches('.copybar'))) return;
    const button = make('button', { type: 'button', className: 'copy', textContent: 'Copy' });
    button.setAttribute('aria-label', block.matches('.diff') ? 'Copy the diff' : 'Copy this block');
    button.addEventListener('click', () => copy(textOf(block), 'Block'));
    block.before(make('div', { className: 'copybar' }, button));
  });
}
const copyStep = step => copy([$('.what', step).textContent.trim(), ...$$(BLOCKS, step).filter(b => !b.parentNode.matches('.more')).map(textOf)].join('\n\n'), 'Step');
document.addEventListener('toggle', e => { if (e.target.open && main.contains(e.target)) offerCopies(e.target) }, true);
document.addEventListener('click', e => {
  const a = e.target.closest('.step > .link, .prompt > .no');
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
    if (answer.ok) copy(await answer.text(), 'The session');
    else tell(answer.status === 413 ? 'This session is too long to be copied' : 'That did not work. Try again.');
  });
}
if (main) offerCopies(main);
