// A scheduler as a process of its own: `node --require kill-at.cjs scheduler-process.cjs DATABASE NOW`. Fires whatever is
// due at that time and prints what the node would have to do.
const { randomBytes } = require('node:crypto');
const { AuditLog } = require('@jieqiao/audit');
const { ClockRow, Clocks, ReminderRow, Scheduler, SupervisionItemRow } = require('@jieqiao/exchange');
const { Database, LeaseRow } = require('@jieqiao/platform');

async function main([url, at]) {
  const now = () => new Date(at);
  const db = await Database.open(url, [ClockRow, LeaseRow, ReminderRow, SupervisionItemRow], now);
  const keys = { signers: () => [], known: () => [] };
  const audit = new AuditLog(db, {
    node: 'jinshan.310116',
    keys,
    holder: 'one',
    logger: null,
    now,
    random: randomBytes,
  });
  const asked = [];
  const scheduler = new Scheduler({
    db,
    audit,
    clocks: new Clocks({ db, audit, random: randomBytes }),
    instance: 'one',
    settings: { pollMs: 1_000, leaseMs: 30_000, batch: 10 },
    now,
    onOverdue: async (transfer, clock) => void asked.push([transfer, clock]),
    warn: (message, details) => console.error(message, details),
  });
  while (await scheduler.tick());
  await db.close();
  console.log(JSON.stringify(asked));
}

void main(process.argv.slice(2));
