import type { ErrorCode } from '@jieqiao/core';
import type { Text } from '../words';

export interface ReasonWords {
  what: Text;
  /** What to do, where it differs from what the code alone suggests. */
  fix?: Text;
}

const why = (zh: string, en: string, fixZh?: string, fixEn?: string): ReasonWords => ({
  what: { zh, en },
  ...(fixZh && fixEn ? { fix: { zh: fixZh, en: fixEn } } : {}),
});

const asJson: Readonly<Record<string, ReasonWords>> = {
  'too-large': why('文件太大，上限 {limit} 字节', 'The file is larger than {limit} bytes'),
  'too-deep': why('嵌套太深，上限 {limit} 层', 'It is nested deeper than {limit}'),
  'not-json': why('不是 JSON，可能损坏或被截断', 'It is not JSON; perhaps damaged or cut short'),
  'not-canonical': why(
    '不是规范 JSON：有重复的键、多余的空白，或被编辑器改写过',
    'It is not canonical JSON: a key twice, white space, or an editor has rewritten it',
  ),
};

/** What is wrong with a catalogue: its file, its tables, its rows, and what it says beside others. */
const asCatalogue: Readonly<Record<string, ReasonWords>> = {
  ...asJson,
  'not-csv': why(
    '不是 CSV：引号不成对，或者单元格数与表头不符',
    'It is no CSV: a quote without end, or another number of cells than headers',
  ),
  'not-utf8': why(
    '不是 UTF-8',
    'It is not UTF-8',
    '另存为“CSV UTF-8”，或用 .xlsx',
    'Save it as “CSV UTF-8”, or as .xlsx',
  ),
  'not-xlsx': why(
    '不是 .xlsx，或者损坏、设有密码',
    'It is no .xlsx, or damaged, or has a password',
    '另存为 .xlsx，不设密码',
    'Save it as .xlsx, without a password',
  ),
  'unpacked-too-large': why('解开后超过 {limit} 字节', 'Unpacked it has more than {limit} bytes'),
  'external-content': why(
    '含有外部链接、宏或嵌入对象：{part}',
    'It has links to other files, macros or objects: {part}',
    '去掉后另存，或复制为数值到导出的表里',
    'Remove them, or copy the values into the exported workbook',
  ),
  'missing-file': why(
    '缺少 {file}：缺一类等于删掉它的全部行',
    '{file} is missing: that would read as all its rows deleted',
    '没有行也保留只有表头的文件',
    'Keep it with its header, even without rows',
  ),
  'unknown-file': why('不认识的文件 {file}', '{file} is no file of a catalogue'),
  'missing-sheet': why(
    '缺少工作表“{sheet}”：缺一类等于删掉它的全部行',
    'The sheet {sheet} is missing: that would read as all its rows deleted',
    '没有行也保留只有表头的工作表',
    'Keep it with its header, even without rows',
  ),
  'unknown-sheet': why('不认识的工作表“{sheet}”', 'The sheet {sheet} is none of a catalogue', '删掉它', 'Remove it'),
  'too-many-rows': why('超过 {limit} 行', 'It has more than {limit} rows'),
  'too-many-columns': why('超过 {limit} 列', 'It has more than {limit} columns'),
  'cell-outside': why(
    '第 {line} 行 {column} 列在表格之外',
    'Line {line}, column {column} lies beside the table',
    '删掉这个单元格',
    'Clear the cell',
  ),
  formula: why(
    '第 {line} 行 {column} 列是公式',
    'Line {line}, column {column} is a formula',
    '复制后选择性粘贴为数值',
    'Paste it as a value',
  ),
  header: why(
    '表头“{column}”缺少、多余或重复',
    'The header {column} is missing, unknown or there twice',
    '按导出的表头改回',
    'Change the headers back to the exported ones',
  ),
  'one-line': why('目录表须正好一行', 'The table of the catalogue itself has exactly one line'),
  'empty-cell': why('第 {line} 行“{column}”是空的', 'Line {line}, {column}, is empty'),
  'bad-cell': why(
    '第 {line} 行“{column}”读不懂',
    'Line {line}, {column}, can’t be read',
    '填表中已有的词、整数，或 2022-09-01 这样的日期；代码列设为文本',
    'Use a word of the table, a whole number, or a day such as 2022-09-01; format columns of codes as text',
  ),
  misnamed: why(
    '文件名与内容不符：{file}',
    'The file is not what its name says: {file}',
    '改用 jieqiao catalogue import',
    'Take it in with jieqiao catalogue import',
  ),
  'version-not-newer': why(
    '{catalogue} 已有第 {newest} 版，不能再导入第 {version} 版',
    '{catalogue} has version {newest}: version {version} comes too late',
    '把版本改为更大的数',
    'Give it a higher version',
  ),
  'other-catalogue': why('两份不是同一个目录', 'The two are different catalogues'),
  day: why('没有这个日期', 'There is no such day'),
  'day-outside-catalogue': why(
    '目录不回答这一天',
    'The catalogues do not answer for that day',
    '见 jieqiao catalogue list',
    'See jieqiao catalogue list',
  ),
  'empty-range': why('生效日不早于失效日：{pointer}', 'A range ends before it begins: {pointer}'),
  'unknown-source': why('来源没有列出：{pointer}', 'Its source is not listed: {pointer}'),
  'verified-without-place': why(
    '“已核对”须写来源位置：{pointer}',
    'A verified row needs its place in the source: {pointer}',
  ),
  'range-order': why('下限大于上限：{pointer}', 'A minimum is over its maximum: {pointer}'),
  'same-item': why('事项对应自己：{pointer}', 'An item is equivalent to itself: {pointer}'),
  'half-citation': why('引用不完整：{pointer}', 'A citation is incomplete: {pointer}'),
  'row-twice': why(
    '同一行的两个版本日期重叠，或者代码重复：{pointer}',
    'Two rows say something of the same thing on the same day: {pointer}',
  ),
  'name-twice': why('两部法律用了同一个名称：{pointer}', 'Two laws have one name: {pointer}'),
  'not-sorted': why(
    '行没有按次序排列：{pointer}',
    'Rows are out of order: {pointer}',
    '用 jieqiao catalogue export 重新写成 JSON',
    'Write it anew with jieqiao catalogue export',
  ),
  'catalogue-twice': why('同一个目录出现两次', 'A catalogue stands twice'),
  'no-common-day': why('与其他目录没有共同适用的日期', 'There is no day for which all catalogues answer'),
  'unknown-reference': why(
    '引用的代码不存在：{catalogue} {pointer}',
    'It refers to what is not there: {catalogue} {pointer}',
  ),
  'reference-outside-range': why(
    '所引用的行在这段时间不生效：{catalogue} {pointer}',
    'What it refers to does not hold as long: {catalogue} {pointer}',
  ),
  'step-outside-fine': why(
    '裁量档次超出罚款幅度：{catalogue} {pointer}',
    'A discretion step lies outside every fine: {catalogue} {pointer}',
  ),
};

const asParty: Readonly<Record<string, ReasonWords>> = {
  region: why('行政区划代码与节点名不一致', 'The region is not the one in the node’s name'),
  anchor: why('根证书无法解析', 'A root certificate can’t be read'),
  'anchor-twice': why('同一个根证书出现两次', 'A root certificate stands twice'),
  'anchor-not-a-ca': why('所列的根证书不是签发证书用的', 'A root certificate is no certification authority'),
  'log-key': why('日志公钥不是这个节点的，或格式不对', 'The log key is not this node’s, or malformed'),
  validity: why('机关的起止时间颠倒', 'The authority ends before it begins'),
};

/** What is wrong with a certificate, by `ChainProblemCode`. */
export const chainWords: Readonly<Record<string, ReasonWords>> = {
  NOT_YET_VALID: why('证书尚未生效', 'The certificate is not yet valid', '检查双方时钟', 'Check both clocks'),
  EXPIRED: why(
    '证书已过期',
    'The certificate has expired',
    '由其管理员 jieqiao key rotate',
    'Its administrator runs jieqiao key rotate',
  ),
  REVOKED: why(
    '证书已被吊销',
    'The certificate is revoked',
    '由其管理员 jieqiao key rotate',
    'Its administrator runs jieqiao key rotate',
  ),
  UNKNOWN_ISSUER: why(
    '证书不是由协议所列的根证书签发',
    'The certificate was not issued by a root that the agreement names',
    '核对名片指纹：对方可能重新建立过节点；换根后要签新版协议',
    'Compare card fingerprints: the node may have been made anew; a new root needs a new version',
  ),
  WRONG_USE: why('证书的用途不符', 'The certificate is for another use'),
  WEAK_KEY: why('密钥太弱：须 P-256，或 2048 位以上的 RSA', 'The key is too weak: P-256, or RSA from 2,048 bits'),
  WEAK_SIGNATURE: why('证书的签名算法太弱', 'The certificate is signed by a weak algorithm'),
  NOT_A_CA: why('签发者不是根证书', 'Its issuer is no certification authority'),
  UNKNOWN_CRITICAL_EXTENSION: why('证书含不认识的关键扩展', 'The certificate has an unknown critical extension'),
  WRONG_NAME: why('证书属于另一个节点', 'The certificate speaks for another node'),
  NOT_A_SPEAKER: why(
    '协议没有把这张证书列为该方的',
    'The agreement does not list this certificate as that party’s',
    '用 jieqiao agreement amend --own-keys 把它写进协议',
    'Write it into the agreement with jieqiao agreement amend --own-keys',
  ),
};

/** Why, in words, by code and `reason`. A reason without words is shown as it is; a test counts those of our own files. */
export const reasonWords: Partial<Record<ErrorCode, Readonly<Record<string, ReasonWords>>>> = {
  CARD_MALFORMED: { ...asJson, ...asParty },
  AGREEMENT_MALFORMED: {
    ...asJson,
    ...asParty,
    previous: why('与前一版衔接不上', 'It does not follow the version before'),
    'effective-range': why(
      '结束时间不晚于开始时间',
      'It ends before it begins',
      '用 --from、--to 给出起止时间',
      'Give --from and --to',
    ),
    'effective-before-previous': why(
      '生效时间早于前一版',
      'It begins before the version before it',
      '用 --from 给一个更晚的时间',
      'Give a later --from',
    ),
    'party-twice': why('同一当事方出现两次', 'A party stands twice'),
    'successor-unknown': why(
      '承继机关不是当事方',
      'The successor is no party',
      '先用 --party 加入承继机关',
      'Add it with --party first',
    ),
    'successor-ring': why('承继关系成环', 'The successors form a ring'),
    'speaker-twice': why('同一张证书写给了两方', 'One certificate is listed for two parties'),
    'anchor-shared': why('公用的发证机构不能整个算作一方的根', 'A CA that serves others can’t be one party’s own root'),
    'time-authority': why('时间戳服务的证书无法解析', 'A time-stamp authority’s certificate can’t be read'),
    'time-authority-twice': why('时间戳服务重名', 'Two time-stamp authorities have one name'),
    'not-a-party': why(
      '本节点不是这份协议的当事方',
      'This node is no party of this agreement',
      '核对是否拿错了文件',
      'Is it the right file?',
    ),
    'direction-twice': why(
      '同一方向写了两次：{from}→{to}',
      'A direction stands twice: {from} → {to}',
      '修改条款文件',
      'Change the terms',
    ),
    'evidence-kind-twice': why(
      '证据种类重复：{key}',
      'An evidence kind stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    'form-twice': why(
      '形式要求重复：{key}',
      'A form requirement stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    'equivalence-twice': why(
      '事项对照重复：{key}',
      'An equivalence stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    'template-twice': why(
      '文书模板重复：{key}',
      'A document template stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    'time-limit-twice': why('期限重复：{key}', 'A time limit stands twice: {key}', '修改条款文件', 'Change the terms'),
    'dispute-level-twice': why(
      '争议层级重复：{key}',
      'A dispute level stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    'retention-twice': why(
      '保存期限重复：{key}',
      'A retention period stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    'statistic-twice': why(
      '统计口径重复：{key}',
      'A statistic stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    'contact-twice': why('联络方式重复：{key}', 'A contact stands twice: {key}', '修改条款文件', 'Change the terms'),
    'contact-without-party': why(
      '联络方式里的 {node} 不是当事方',
      'The contact {node} is no party',
      '修改条款文件',
      'Change the terms',
    ),
    area: why(
      '{region} 的界线有误：{at}（{problem}）',
      'The outline of {region} is wrong: {at} ({problem})',
      '修改条款文件',
      'Change the terms',
    ),
    'area-twice': why('界线重复：{key}', 'An outline stands twice: {key}', '修改条款文件', 'Change the terms'),
    'crime-threshold-twice': why(
      '涉嫌犯罪标准重复：{key}',
      'A threshold of crime stands twice: {key}',
      '修改条款文件',
      'Change the terms',
    ),
    day: why('没有 {day} 这一天', 'There is no such day as {day}', '修改条款文件', 'Change the terms'),
    'time-limit-amount': why('期限的数值过大', 'A time limit is too long', '修改条款文件', 'Change the terms'),
    'rule-is-law': why(
      '{direction} 关闭或放宽了 {rule}：这条规则出自法律，协议不能改',
      '{direction} switches {rule} off or softens it: that rule is law and not the parties’ to change',
      '从条款的 rules 中删去这条规则',
      'Take the rule out of `rules` in the terms',
    ),
    'direction-without-party': why(
      '条款提到的 {from}→{to} 不是当事方',
      'The terms name {from} → {to}, which are not both parties',
      '修改条款文件',
      'Change the terms',
    ),
  },
  AGREEMENT_SIGNATURE_INVALID: {
    ...chainWords,
    missing: why(
      '{party} 还没有签署',
      '{party} has not signed',
      '交给其签署：jieqiao agreement sign',
      'Hand it to them: jieqiao agreement sign',
    ),
    twice: why('{party} 的签名重复', 'A signature by {party} stands twice'),
    'not-a-party': why('{party} 不是当事方', '{party} is no party'),
    encoding: why('{party} 的签名编码不规范', 'The signature by {party} is not encoded as specified'),
    header: why('{party} 的签名头部不规范', 'The header of the signature by {party} is not as specified'),
    algorithm: why('{party} 的签名算法不符', 'The signature by {party} uses another algorithm'),
    'log-key': why('{party} 的日志密钥签名不可接受', 'The log-key signature by {party} is not acceptable'),
    signature: why(
      '{party} 的签名与文本不符：文本在签署之后被改过',
      'The signature by {party} does not fit: the text was changed after signing',
    ),
    certificate: why('{party} 的印章证书无法解析', 'The seal certificate of {party} can’t be read'),
    'not-by-the-key-before': why(
      '{party} 没有用前一版所列的印章签署',
      '{party} has not signed by the seal that the version before names',
      '请其在保有旧密钥的节点上签署；旧密钥已丢失时见 docs/guides/keys.md',
      'They sign where the old key is; if it is lost see docs/guides/keys.md',
    ),
    'log-key-not-shown': why(
      '{party} 换了日志密钥，但没有用新旧两把密钥签署',
      '{party} has a new log key and has not signed by the old and the new one',
      '请其运行 jieqiao agreement sign',
      'They run jieqiao agreement sign',
    ),
    'seal-revoked': why(
      '{party} 用印的印章已因失窃等原因吊销',
      'The seal of {party} that signed it was revoked as stolen or the like',
      '打电话问对方，请其换发印章后重签',
      'Call them; they renew the seal and sign again',
    ),
    'not-our-seal': why(
      '本方的签名不是本节点的印章所签',
      'The signature in this node’s name is not by a seal of this node',
      '在本节点上签署：jieqiao agreement sign',
      'Sign it at this node: jieqiao agreement sign',
    ),
    'not-our-log-key': why(
      '协议里写的本方日志密钥不是本节点的',
      'The log key stated for this node is not its own',
      '把最新名片交给起草方（jieqiao card --out），请其重新起草',
      'Give the drafter your newest card (jieqiao card --out)',
    ),
    'key-unknown': why('有一个签名出自不认识的密钥（{party}）', 'There is a signature by an unknown key ({party})'),
  },
  KEY_UNUSABLE: {
    'no-keys': why(
      '{dir} 里没有密钥',
      'There are no keys in {dir}',
      '新节点用 jieqiao init 建立；已有的节点用 --config 指明',
      'jieqiao init makes a node’s; name an existing one with --config',
    ),
    'keys-exist': why(
      '{dir} 里已有密钥，不覆盖',
      'There are keys in {dir} already',
      '换一个目录',
      'Choose another directory',
    ),
    'of-another-node': why(
      'keys 目录里是 {node} 的密钥',
      'The keys are those of {node}',
      '核对 config.json 的 node 和 dataDir',
      'Check node and dataDir in config.json',
    ),
    'root-key-not-here': why(
      '根密钥 {file} 不在这台机器上',
      'The root key {file} is not on this machine',
      '把 {file} 从离线的 U 盘放回 keys 目录（权限 600），再执行一遍，做完取走',
      'Put {file} from its stick back into keys (mode 600), do this again, and take it away',
    ),
    'root-expired': why(
      '根证书都已到期',
      'All roots have expired',
      'jieqiao key rotate root',
      'jieqiao key rotate root',
    ),
    unreadable: why(
      '密钥文件 {file} 读不出来',
      'The key file {file} can’t be read',
      '从备份恢复 keys 目录',
      'Restore keys from a backup',
    ),
    'not-its-key': why(
      '密钥与证书不是一对',
      'Key and certificate are no pair',
      '从备份恢复 keys 目录',
      'Restore keys from a backup',
    ),
    'not-ed25519': why(
      '日志密钥不是 Ed25519',
      'The log key is not Ed25519',
      '从备份恢复 keys 目录',
      'Restore keys from a backup',
    ),
    'bad-name': why('节点名不能用作日志名', 'The node’s name can’t name a log'),
    'no-such-key': why('没有这把日志密钥', 'There is no such log key'),
    'only-key': why('这是唯一的日志密钥，不能去掉', 'It is the only log key and stays'),
    'node-keys-are-p256': why('节点密钥须是 P-256', 'A node’s key must be P-256'),
    'serial-unknown': why(
      '没有序列号 {serialNumber} 的证书',
      'No certificate has the serial number {serialNumber}',
      '序列号见 jieqiao key list，或签发执法人员证书时的记录',
      'See jieqiao key list, or what was noted when an officer’s certificate was issued',
    ),
    'passphrase-or-damaged': why(
      '口令不对，或者文件损坏',
      'The passphrase is wrong, or the file is damaged',
      '核对口令（区分大小写）；仍不行就向发证机构重新要一份',
      'Check the passphrase (upper and lower case differ); else ask its issuer for a new file',
    ),
    'passphrase-not-ascii': why(
      '口令含有字母、数字和常用符号以外的字符',
      'The passphrase has characters other than letters, digits and common signs',
      '请发证机构换一个口令',
      'Have its issuer choose another',
    ),
    'too-large': why(
      '文件太大，不像是印章',
      'The file is too large for a seal',
      '核对是否给对了文件',
      'Is it the right file?',
    ),
    'not-one-key': why(
      '文件里不是正好一把密钥',
      'There is not exactly one key in the file',
      '核对是否给对了文件',
      'Is it the right file?',
    ),
    'no-certificate': why(
      '文件里没有这把密钥的证书',
      'The key’s certificate is not in the file',
      '请发证机构连同证书一起导出',
      'Have its issuer export key and certificate together',
    ),
  },
  CERTIFICATE_MALFORMED: {
    request: why(
      '不是证书请求（PKCS#10）',
      'It is no certificate request (PKCS#10)',
      '请重新生成请求',
      'Have the request made anew',
    ),
    'too-large': why(
      '文件太大，不像是证书',
      'The file is too large for a certificate',
      '核对是否给对了文件',
      'Is it the right file?',
    ),
    'name-too-long': why('证书里的名称长得不合情理', 'A name in the certificate is absurdly long'),
    'public-key': why('证书里的公钥无法使用', 'The certificate’s public key can’t be used'),
    'not-one': why('文件里不是正好一张证书', 'There is not exactly one certificate in the file'),
    'not-der': why('不是证书文件（PEM 或 DER）', 'It is no certificate (PEM or DER)'),
  },
  PEER_CERTIFICATE_REFUSED: chainWords,
  CERTIFICATE_REFUSED: {
    ...chainWords,
    'request-signature': why(
      '证书请求不是由其密钥签署的',
      'The request is not signed by the key that it names',
      '请重新生成请求',
      'Have the request made anew',
    ),
    'weak-key': chainWords.WEAK_KEY!,
  },
  ENVELOPE_SIGNER_UNKNOWN: chainWords,
  BUNDLE_SIGNER_UNKNOWN: chainWords,
  VALIDATION_FAILED: {
    ...asCatalogue,
    taken: why('这个用户名已有人使用', 'This login is taken', '换一个用户名', 'Choose another'),
  },
};
