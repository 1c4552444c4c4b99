// The bench's findings as a table for people.

const number = (value, digits = 0) =>
  value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const mebibytes = (bytes) => `${number(bytes / (1 << 20))} MiB`;
const ratio = (value) => `${number(value, 2)} ×`;

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return rows.map((row) => `  ${line(row)}`.trimEnd()).join('\n');
}

function exchanges(name, { settings, readyMs, peakRss }) {
  const rows = [['in flight', 'exchanges/s', 'floor', 'p50 ms', 'p99 ms', 'CPU µs', 'floor', 'CPU ratio']];
  for (const { inFlight, product, floor, cpuRatio } of settings) {
    rows.push([
      String(inFlight),
      number(product.perSecond),
      number(floor.perSecond),
      number(product.p50Ms, 1),
      number(product.p99Ms, 1),
      number(product.cpuMicros),
      number(floor.cpuMicros),
      ratio(cpuRatio),
    ]);
  }
  const shares = settings.map(({ inFlight, product, floor }) => {
    const share = (by) =>
      Object.entries(by)
        .map(([who, micros]) => `${who} ${number(micros)}`)
        .join(', ');
    const lines = [
      `  at ${inFlight}: CPU µs by process: ${share(product.cpuMicrosBy)}; floor: ${share(floor.cpuMicrosBy)}; ` +
        `the driver's own ${number(product.driverCpuMicros)} are not counted`,
    ];
    if (product.statements && floor.statements) {
      const told = ({ statements: s }) =>
        `${number(s.rowsWritten, 1)} rows written, ${number(s.commits, 3)} commits, ${number(s.logWrites, 3)} log writes, ` +
        `${number(s.selects, 1)} selects, ${number(s.received / 1000, 1)} kB of SQL`;
      lines.push(`     per exchange: ${told(product)}; floor: ${told(floor)}`);
    }
    return lines.join('\n');
  });
  const ready = Object.values(readyMs).map((ms) => number(ms / 1000, 1));
  return [
    `Signed exchanges, two nodes on ${name}`,
    table(rows),
    ...shares,
    `  ready after ${ready.join(' and ')} s, both started at once; peak memory: sender ${mebibytes(peakRss.sender)}, receiver ${mebibytes(peakRss.receiver)}`,
  ].join('\n');
}

function openssl({ version, settings }) {
  return [
    `openssl cms + curl over mutual TLS, nothing stored (${version.split(' ').slice(0, 2).join(' ')})`,
    table([
      ['loops at once', 'exchanges/s', 'CPU µs'],
      ...settings.map(({ loops, perSecond, cpuMicros }) => [String(loops), number(perSecond, 1), number(cpuMicros)]),
    ]),
  ].join('\n');
}

function evidence({ bytes, upload, delivery, peakRss }) {
  const cells = (name, { product, floor, ratio: value }) => [
    name,
    number(product.megabytesPerSecond),
    number(floor.megabytesPerSecond),
    ratio(value),
    number(product.cpuMsPerMegabyte, 2),
    number(floor.cpuMsPerMegabyte, 2),
  ];
  return [
    `Evidence, one file of ${mebibytes(bytes)}`,
    table([
      ['', 'MB/s', 'floor', 'ratio', 'CPU ms/MB', 'floor'],
      cells('officer to node', upload),
      cells('node to node, until the receipt', delivery),
    ]),
    `  floor of the delivery if the sender hashed once more: ${number(delivery.floorHashedTwice.megabytesPerSecond)} MB/s`,
    `  peak memory: sender ${mebibytes(peakRss.sender)}, receiver ${mebibytes(peakRss.receiver)}`,
  ].join('\n');
}

function verifying({ receipts, bundle, decisions, evaluation }) {
  return [
    'Verification, one core',
    table([
      ['receipts, each file alone', `${number(receipts.perSecond)}/s`],
      ['receipts that share a checkpoint', `${number(receipts.perSecondInBatches)}/s`],
      [`jieqiao-verify on a bundle of ${mebibytes(bundle.bytes)}`, `${number(bundle.megabytesPerSecond)} MB/s`],
      [`recognition decisions (${number(decisions.count)} made)`, `${number(decisions.perSecond)}/s`],
    ]),
    `  one evaluation of a typical transfer (S2, full catalogue, ${number(evaluation.count)} made): ` +
      `${number(evaluation.evaluation, 1)} µs; floor, JSON.parse of its ${number(evaluation.bytes)} bytes: ` +
      `${number(evaluation.floor, 1)} µs; ${ratio(evaluation.evaluation / evaluation.floor)}`,
  ].join('\n');
}

/** What is promised, what was found; `pass` is null for what is told beside it without a promise. */
export function targetsOf({ mysql, sqlite, openssl: loop, evidence: files }) {
  const targets = [];
  const add = (name, limit, got, pass, unit) => targets.push({ name, limit, got, pass, unit });
  const at256 = mysql?.settings.find(({ inFlight }) => inFlight === 256);
  if (at256)
    add(
      'CPU per exchange at 256 in flight on MariaDB, against the floor',
      '≤ 4',
      at256.cpuRatio,
      at256.cpuRatio <= 4,
      '×',
    );
  const best = (mysql ?? sqlite)?.settings.reduce((max, { product }) => Math.max(max, product.perSecond), 0);
  if (best && loop) {
    const engine = mysql ? 'MariaDB' : 'SQLite';
    for (const { loops, perSecond } of loop.settings) {
      const times = best / perSecond;
      const one = loops === 1;
      const name = `exchanges/s on ${engine}, against ${one ? 'the openssl cms + curl loop' : `${loops} such loops at once`}`;
      add(name, one ? '≥ 20' : '', times, one ? times >= 20 : null, '×');
    }
  }
  if (files) {
    const { delivery, peakRss, bytes } = files;
    add('evidence MB/s node to node, against the floor', '≥ 0.6', delivery.ratio, delivery.ratio >= 0.6, '×');
    const peak = Math.max(peakRss.sender, peakRss.receiver) / 1e6;
    add(`peak memory of a node while ${mebibytes(bytes)} pass through`, '< 300', peak, peak < 300, 'MB');
  }
  return targets;
}

export function textReport({ date, machine, results, targets, notes }) {
  const { mysql, sqlite, openssl: loop, evidence: files, verifying: verified } = results;
  const blocks = [
    `Jieqiao bench, ${date}: ${machine.cores} cores, ${machine.cpu}, Node ${machine.node}, ${machine.database}`,
    mysql && exchanges('MariaDB', mysql),
    sqlite && exchanges('SQLite', sqlite),
    loop && openssl(loop),
    files && evidence(files),
    verified && verifying(verified),
    notes.length > 0 && `Notes\n${notes.map((note) => `  ${note}`).join('\n')}`,
    targets.length > 0 &&
      `Targets\n${table([
        ['', 'target', 'got', ''],
        ...targets.map(({ name, limit, got, pass, unit }) => [
          name,
          limit,
          `${number(got, unit === 'MB' ? 0 : 2)} ${unit}`,
          pass === null ? '' : pass ? 'PASS' : 'MISS',
        ]),
      ])}`,
  ];
  return `${blocks.filter(Boolean).join('\n\n')}\n`;
}
