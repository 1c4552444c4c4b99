import type { Params, Text } from '../words';

export const states = ['wrong', 'warning', 'fine', 'unused'] as const;
export type State = (typeof states)[number];

export const stateWords: Readonly<Record<State, Text & { mark: string }>> = {
  wrong: { mark: '✗', zh: '异常', en: 'wrong' },
  warning: { mark: '!', zh: '注意', en: 'warning' },
  fine: { mark: '✓', zh: '正常', en: 'fine' },
  unused: { mark: '–', zh: '未使用', en: 'unused' },
};

/** What is looked at, in the order in which a person would look. The part of a finding's id before the point. */
export const checkWords = {
  config: { zh: '设置', en: 'Settings' },
  software: { zh: '程序', en: 'Software' },
  process: { zh: '运行', en: 'Process' },
  ports: { zh: '端口', en: 'Ports' },
  disk: { zh: '磁盘', en: 'Disk' },
  files: { zh: '密钥文件', en: 'Key files' },
  certificates: { zh: '证书', en: 'Certificates' },
  crl: { zh: '吊销列表', en: 'Revocation' },
  root: { zh: '根密钥', en: 'Root key' },
  database: { zh: '数据库', en: 'Database' },
  blobs: { zh: '证据库', en: 'Blob store' },
  log: { zh: '存证日志', en: 'Log' },
  queue: { zh: '投递', en: 'Queue' },
  agreements: { zh: '协议', en: 'Agreements' },
  peers: { zh: '对端', en: 'Peers' },
  clock: { zh: '时钟', en: 'Clock' },
  timestamps: { zh: '时间戳', en: 'Time-stamps' },
  doctor: { zh: '自检', en: 'This check' },
} as const satisfies Record<string, Text>;

export type CheckName = keyof typeof checkWords;

/** A finding that needs no action says what it is; one that does says why and what to do. */
export type FindingWords =
  | { state: 'fine' | 'unused'; what: Text }
  | { state: 'warning' | 'wrong'; what: Text; fix: Text };

const fine = (zh: string, en: string): FindingWords => ({ state: 'fine', what: { zh, en } });
const unused = (zh: string, en: string): FindingWords => ({ state: 'unused', what: { zh, en } });
const asks =
  (state: 'warning' | 'wrong') =>
  (zh: string, en: string, fixZh: string, fixEn: string): FindingWords => ({
    state,
    what: { zh, en },
    fix: { zh: fixZh, en: fixEn },
  });
const warning = asks('warning');
const wrong = asks('wrong');

const rotateFix = {
  zh: 'jieqiao key rotate {use}：换发不停机，也不用改协议',
  en: 'jieqiao key rotate {use}: no stop, no new agreement',
};
const rootFix = {
  zh: 'jieqiao key rotate root，再用 jieqiao agreement amend --own-keys 签新版协议',
  en: 'jieqiao key rotate root, then a new version: jieqiao agreement amend --own-keys',
};
const importSealFix = {
  zh: '向发证机构换发后 jieqiao key import-seal 文件.p12',
  en: 'get a new one from its issuer, then jieqiao key import-seal FILE.p12',
};

/** Everything that can be found, with its words. `{name}` stands for a parameter; none of them is ever a secret. */
export const findingWords = {
  'config.read': fine('{file}', '{file}'),
  'config.defaults': fine('没有 config.json，用默认值和环境变量', 'No config.json: defaults and environment'),
  'config.invalid': wrong(
    '{problem}',
    '{problem}',
    '见 docs/guides/configuration.md',
    'See docs/guides/configuration.md',
  ),

  'software.supported': fine('界桥 {version}，Node.js {node}', 'Jieqiao {version}, Node.js {node}'),
  'software.old-node': wrong(
    'Node.js {node} 不在支持范围（{supported}）',
    'Node.js {node} is not supported ({supported})',
    '换装受支持的 Node.js',
    'Install a supported Node.js',
  ),

  'process.ready': fine('节点正在运行，各部分就绪（{url}）', 'The node runs and is ready ({url})'),
  'process.stopped': unused('节点没有运行（{url} 无人应答）', 'The node does not run (nobody answers at {url})'),
  'process.port-unknown': unused('http.port 为 0，无从得知地址', 'http.port is 0: its address is not known'),
  'process.not-ready': wrong(
    '节点在运行，但这些部分没有就绪：{failing}',
    'The node runs, but these are not ready: {failing}',
    '看本次自检的相应各项和节点日志',
    'See these below and in the node’s log',
  ),
  'process.stranger': wrong(
    '{url} 有别的程序应答，不是界桥节点',
    'Something other than a Jieqiao node answers at {url}',
    '停掉它，或在 config.json 换 http.port',
    'Stop it, or set another http.port in config.json',
  ),

  'ports.ours': fine('{setting} {port}：本节点', '{setting} {port}: this node'),
  'ports.free': unused(
    '{setting} {port}：空闲，节点启动后使用',
    '{setting} {port}: free; the node takes it when it starts',
  ),
  'ports.any': unused('{setting} 为 0：启动时取空闲端口', '{setting} is 0: a free port is taken at the start'),
  'ports.taken': wrong(
    '{setting} {port} 被别的程序占用',
    '{setting} {port} is taken by another program',
    '找出占用者（ss -ltnp），或在 config.json 换一个端口',
    'See who has it (ss -ltnp), or set another in config.json',
  ),
  'ports.unusable': wrong(
    '{setting} {port} 不能使用（{code}）',
    '{setting} {port} can’t be used ({code})',
    '1024 以下的端口须有权限；host 须是本机地址，0.0.0.0 表示所有地址',
    'Ports below 1024 need a privilege; host must be an address of this machine, 0.0.0.0 for all',
  ),

  'disk.enough': fine('{dir}：剩余 {free}（{percent}%）', '{dir}: {free} free ({percent}%)'),
  'disk.low': warning(
    '{dir}：只剩 {free}（{percent}%）',
    '{dir}: only {free} free ({percent}%)',
    '清理磁盘，或把数据目录迁到更大的盘；证据文件只增不减',
    'Make room or move to a larger disk; evidence only grows',
  ),
  'disk.full': wrong(
    '{dir}：几乎满了，只剩 {free}',
    '{dir}: almost full, {free} left',
    '马上腾出空间：写不进去的移送会失败',
    'Make room now: what can’t be written fails',
  ),
  'disk.unreadable': wrong(
    '{dir}：读不到（{code}）',
    '{dir}: can’t be looked at ({code})',
    '核对 dataDir；用运行节点的系统账号执行',
    'Check dataDir; run this as the account that runs the node',
  ),

  'files.private': fine('只有本账号可读（{count} 个文件）', 'Readable by this account alone ({count} files)'),
  'files.absent': wrong(
    '{dir} 里没有密钥',
    'There are no keys in {dir}',
    '新节点运行 jieqiao init；老节点从备份恢复',
    'jieqiao init makes a new node’s; an old one’s come from a backup',
  ),
  'files.open': wrong(
    '{file} 别的账号也能读（{mode}）',
    '{file} can be read by other accounts ({mode})',
    'chmod {should} {path}；若可能已被人读走，jieqiao key rotate',
    'chmod {should} {path}; if somebody may have read it, jieqiao key rotate',
  ),
  'files.data-open': wrong(
    '{file} 别的账号也能读（{mode}），里面有案件数据',
    '{file} can be read by other accounts ({mode}); it holds case data',
    'chmod {should} {path}',
    'chmod {should} {path}',
  ),
  'files.admin-password': warning(
    '初始管理员密码还放在 {path}',
    'The first administrator’s password still lies in {path}',
    '交给本人后删除该文件',
    'Hand it over and delete the file',
  ),

  'certificates.good': fine('{label}：还有 {days} 天（至 {date}）', '{label}: {days} days left (until {date})'),
  'certificates.ending': warning(
    '{label}：还有 {days} 天到期（{date}）',
    '{label}: runs out in {days} days ({date})',
    rotateFix.zh,
    rotateFix.en,
  ),
  'certificates.root-ending': warning(
    '{label}：还有 {days} 天到期（{date}）',
    '{label}: runs out in {days} days ({date})',
    rootFix.zh,
    rootFix.en,
  ),
  'certificates.imported-ending': warning(
    '{label}：还有 {days} 天到期（{date}）',
    '{label}: runs out in {days} days ({date})',
    importSealFix.zh,
    importSealFix.en,
  ),
  'certificates.expired': wrong('{label}：已于 {date} 到期', '{label}: ran out on {date}', rotateFix.zh, rotateFix.en),
  'certificates.root-expired': wrong('{label}：已于 {date} 到期', '{label}: ran out on {date}', rootFix.zh, rootFix.en),
  'certificates.imported-expired': wrong(
    '{label}：已于 {date} 到期',
    '{label}: ran out on {date}',
    importSealFix.zh,
    importSealFix.en,
  ),
  'certificates.not-yet': wrong(
    '{label}：{date} 起才有效',
    '{label}: valid only from {date}',
    '检查本机时钟（timedatectl）',
    'Check this machine’s clock (timedatectl)',
  ),
  'certificates.revoked': wrong('{label}：已吊销', '{label}: revoked', rotateFix.zh, rotateFix.en),
  'certificates.not-accepted': wrong(
    '没有一张{label}能在协议 {agreement} 下使用（{problem}）',
    'No {label} of this node is good under agreement {agreement} ({problem})',
    'jieqiao key list 查看；密钥与协议不符时签新版：jieqiao agreement amend --own-keys',
    'See jieqiao key list; if keys and agreement differ, sign a new version: jieqiao agreement amend --own-keys',
  ),
  'certificates.log-key-not-agreed': warning(
    '最新的日志密钥还没写进协议 {agreement}',
    'The newest log key is not in agreement {agreement} yet',
    'jieqiao agreement amend {agreement} --own-keys；在此之前新旧密钥都签',
    'jieqiao agreement amend {agreement} --own-keys; until then old and new both sign',
  ),
  'certificates.unreadable': wrong(
    '密钥读不出来（{code} {reason}）',
    'The keys can’t be read ({code} {reason})',
    '从备份恢复 keys 目录；PKCS#12 的口令在 keys 目录的 .pass 文件',
    'Restore keys from a backup; the passphrase of a PKCS#12 is in a .pass file there',
  ),

  'crl.current': fine(
    '第 {number} 号，吊销 {count} 张，{date} 前更新',
    'Number {number}, {count} revoked, next by {date}',
  ),
  'crl.none': unused('没有吊销过证书', 'Nothing was ever revoked'),
  'crl.ending': warning(
    '第 {number} 号将于 {date} 过期',
    'Number {number} is due by {date}',
    'jieqiao key crl（需要根密钥）',
    'jieqiao key crl (needs the root key)',
  ),
  'crl.stale': wrong(
    '第 {number} 号已于 {date} 过期：对方会停收本节点的移送',
    'Number {number} was due by {date}: peers will let our envelopes wait',
    '马上运行 jieqiao key crl（需要根密钥）',
    'Run jieqiao key crl now (needs the root key)',
  ),

  'root.offline': fine('不在这台机器上', 'Not on this machine'),
  'root.online': warning(
    '根密钥还在 {path}：谁拿到它，谁就能冒充本机关',
    'The root key lies in {path}: whoever takes it can pose as this authority',
    '移到离线的 U 盘并锁好，签发证书时再放回；节点运行不需要它',
    'Move it to a stick and lock that away; it is needed to issue certificates, not to run',
  ),

  'database.good': fine(
    '{engine} {version}，往返 {ms} 毫秒，结构最新',
    '{engine} {version}, {ms} ms, schema up to date',
  ),
  'database.none': unused('{place} 还没有，节点第一次启动时建立', '{place} is not there yet; the first start makes it'),
  'database.slow': warning(
    '{engine} {version}，往返 {ms} 毫秒，偏慢',
    '{engine} {version} takes {ms} ms to answer, which is slow',
    '检查数据库的磁盘、负载和网络距离',
    'Look at its disk, its load and the way to it',
  ),
  'database.pending': warning(
    '{engine} {version} 的结构缺 {migrations}',
    '{engine} {version} lacks {migrations}',
    '重启节点：启动时自动升级（先备份）',
    'Restart the node: it migrates at the start (back up first)',
  ),
  'database.unknown-schema': wrong(
    '数据库结构比程序新（{migrations}）',
    'The database is newer than this program ({migrations})',
    '换用与数据库同版本或更新的程序',
    'Run the version that the database was last used with, or a later one',
  ),
  'database.unreachable': wrong(
    '{place} 连不上（{cause}）',
    '{place} can’t be reached ({cause})',
    '检查数据库是否运行、DATABASE_URL、账号和口令',
    'Check that it runs, DATABASE_URL, account and password',
  ),

  'blobs.good': fine(
    '{dir}：写入、落盘、读回、删除正常，{ms} 毫秒',
    '{dir}: write, sync, read and delete work, {ms} ms',
  ),
  'blobs.slow': warning(
    '{dir}：写入并落盘用了 {ms} 毫秒',
    '{dir}: writing and syncing took {ms} ms',
    '检查磁盘是否老化、是否网络盘',
    'Is the disk failing, or a network drive?',
  ),
  'blobs.failed': wrong(
    '{dir}：{step}失败（{code}）',
    '{dir}: {step} failed ({code})',
    '检查磁盘和目录权限；用运行节点的系统账号执行',
    'Check the disk and who owns the directory; run this as the account that runs the node',
  ),

  'log.good': fine('{size} 条，检查点签名有效，{age}前签发', '{size} entries, checkpoint signed by our key {age} ago'),
  'log.empty': unused('还没有记录', 'Empty'),
  'log.waiting': unused('{pending} 条待编号，节点启动后处理', '{pending} entries wait for the node to start'),
  'log.behind': wrong(
    '{pending} 条已等了 {age}，没有编入',
    '{pending} entries have waited {age} for their place',
    '看节点日志中的 log 错误；没有进程持有定序租约时重启节点',
    'See the node’s log for errors of the log; restart the node if nobody holds the sequencer',
  ),
  'log.signature': wrong(
    '最新检查点不是本节点的日志密钥所签（{code}）',
    'The newest checkpoint is not signed by a log key of this node ({code})',
    '数据库与密钥不配套，或被改动：停止节点，保留现场，从备份恢复成套的数据',
    'Database and keys don’t belong together, or it was altered: stop, keep everything, restore a matching backup',
  ),

  'queue.empty': fine('没有待投递的', 'Nothing waits'),
  'queue.moving': fine('{queued} 件在途', '{queued} under way'),
  'queue.stopped': warning(
    '{peer}：{queued} 件等着节点启动',
    '{peer}: {queued} wait for the node to start',
    'jieqiao serve',
    'jieqiao serve',
  ),
  'queue.trouble': wrong(
    '{peer}：{queued} 件投不出去，连续 {attempts} 次，{why}（{code}）',
    '{peer}: {queued} can’t be delivered, {attempts} times in a row: {why} ({code})',
    '{remedy}',
    '{remedy}',
  ),

  'agreements.in-force': fine(
    '{agreement} 生效中，还有 {days} 天（至 {date}）',
    '{agreement} in force, {days} days left (until {date})',
  ),
  'agreements.ending': warning(
    '{agreement} 还有 {days} 天到期（{date}）',
    '{agreement} ends in {days} days ({date})',
    '续签：jieqiao agreement amend {id} --to 新的日期',
    'Renew it: jieqiao agreement amend {id} --to DATE',
  ),
  'agreements.next': fine('{agreement} 将于 {date} 生效', '{agreement} begins on {date}'),
  'agreements.ended': wrong(
    '{agreement} 已于 {date} 到期，没有后续版本',
    '{agreement} ended on {date} and nothing follows',
    '续签：jieqiao agreement amend {id}，双方签署后导入',
    'Renew it: jieqiao agreement amend {id}, all sign, all import',
  ),
  'agreements.none': unused(
    '还没有协议：jieqiao agreement new 或 import',
    'None yet: jieqiao agreement new, or import',
  ),
  'agreements.succession': warning(
    '{authority} 自 {date} 起由 {successor} 承继',
    '{authority} is succeeded by {successor} from {date}',
    '该日起改发承继机关；未办结的移送随之转移',
    'From then on send to the successor; open transfers move with it',
  ),
  'agreements.authority-ended': warning(
    '{authority} 已于 {date} 撤销',
    '{authority} ceased to exist on {date}',
    '有承继机关的改发承继机关，没有的修订协议',
    'Send to its successor; if it has none, amend the agreement',
  ),
  'agreements.unreadable': wrong(
    '数据库里的一份协议读不出来（{code}）',
    'An agreement in the database can’t be read ({code})',
    '数据库被改动过，或程序比数据库旧：从备份恢复，或升级程序',
    'The database was altered, or this program is older: restore a backup, or upgrade',
  ),

  'peers.good': fine('{peer}：各段正常，{ms} 毫秒', '{peer}: every hop works, {ms} ms'),
  'peers.none': unused('没有对端', 'No peers'),
  'peers.wrong': wrong('{peer}：{hop}：{what}', '{peer}: {hop}: {what}', '{fix}', '{fix}'),
  'peers.warning': warning('{peer}：{hop}：{what}', '{peer}: {hop}: {what}', '{fix}', '{fix}'),

  'clock.demonstration': warning(
    '演示时钟：现在是 {time}（北京时间），由 {file} 决定；本节点签出的时间什么也不能证明',
    'A demonstration clock: it is {time} (Beijing) by {file}. No time that this node signs proves anything',
    '除演示外，从设置中去掉 demonstration.clockFile',
    'For anything but a demonstration take demonstration.clockFile out of the settings',
  ),
  'clock.right': fine('与 {source} 相差 {seconds} 秒', '{seconds} s from {source}'),
  'clock.none': unused('没有可对照的时钟', 'Nothing to compare it with'),
  'clock.off': warning(
    '与 {source} 相差 {seconds} 秒',
    '{seconds} s from {source}',
    '开启网络校时：timedatectl set-ntp true',
    'Switch network time on: timedatectl set-ntp true',
  ),
  'clock.refused': wrong(
    '与 {source} 相差 {seconds} 秒，超过 {limit} 秒就停止往来',
    '{seconds} s from {source}; beyond {limit} s nothing is exchanged',
    '两边都开启网络校时：timedatectl set-ntp true',
    'Switch network time on, on both sides: timedatectl set-ntp true',
  ),

  'timestamps.good': fine('{name}：令牌有效，{ms} 毫秒', '{name}: gives good tokens, {ms} ms'),
  'timestamps.demonstration': warning(
    '{name}：可用，但只是演示用的，不是可信时间',
    '{name}: works, but is for demonstration, not trusted time',
    '正式使用前换成合格的时间戳服务（timestamps 设置）',
    'Before real use set a qualified authority (setting timestamps)',
  ),
  'timestamps.none': unused('没有设置时间戳服务', 'No time-stamp authority is set'),
  'timestamps.failed': wrong('{name}：{why}（{code}）', '{name}: {why} ({code})', '{remedy}', '{remedy}'),

  'doctor.timeout': wrong(
    '{check}：{seconds} 秒内没有结果',
    '{check}: no answer within {seconds} s',
    '多半是数据库、磁盘或网络卡住：看其他各项',
    'Database, disk or network hangs: see the others',
  ),
  'doctor.failed': wrong(
    '{check}：没能检查（{code}）',
    '{check}: could not be checked ({code})',
    '把 --report 的文件交给维护人员',
    'Give the file of --report to whoever maintains it',
  ),
} as const satisfies Record<`${CheckName}.${string}`, FindingWords>;

export type FindingId = keyof typeof findingWords;

export interface Finding {
  id: FindingId;
  params: Params;
}

export const finding = (id: FindingId, params: Params = {}): Finding => ({ id, params });

export const stateOf = ({ id }: Finding): State => findingWords[id].state;

export const checkOf = ({ id }: Finding): CheckName => id.slice(0, id.indexOf('.')) as CheckName;
