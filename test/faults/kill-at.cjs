// Preloaded into a node under test (`node --require`). Whenever the file named by JIEQIAO_FAULT_FILE exists and says
// "path:step" or "path:step#n", this process ends like in a power cut at the n-th time that step is reached from then on.
const { subscribe } = require('node:diagnostics_channel');
const { readFileSync, unlinkSync } = require('node:fs');

const file = process.env.JIEQIAO_FAULT_FILE;
let asked = '';
let seen = 0;

subscribe('jieqiao:step', ({ path, at }) => {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // nothing is asked for
  }
  if (text !== asked) {
    asked = text;
    seen = 0;
  }
  const [step, times = '1'] = asked.split('#');
  if (step !== `${path}:${at}` || ++seen < Number(times)) return;
  // Gone before the process is: the one that takes its place lives.
  unlinkSync(file);
  process.kill(process.pid, 'SIGKILL');
});
