import type { CheckId, FileKind, Verdict } from '@jieqiao/core';

export type Language = 'zh' | 'en';
type Text = Readonly<Record<Language, string>>;

export const verdictWords: Record<Verdict, Text> = {
  valid: { zh: '通过', en: 'VALID' },
  warning: { zh: '有警告', en: 'VALID, WITH A WARNING' },
  indeterminate: { zh: '证据不足', en: 'COULD NOT CHECK' },
  invalid: { zh: '未通过', en: 'NOT VALID' },
  'unknown-signer': { zh: '签发方未知', en: 'UNKNOWN SIGNER' },
};

export const verdictMeanings: Record<Verdict, Text> = {
  valid: {
    zh: '凡影响结论的项目都已核验并成立。',
    en: 'Every question that decides was checked and answered with yes.',
  },
  warning: {
    zh: '内容与印章成立，但有一点应当知悉。',
    en: 'Content and seal hold; one thing is worth knowing.',
  },
  indeterminate: {
    zh: '没有发现篡改，但有的项目无从核验，因此不能认定有效。',
    en: 'Nothing was found to be false, but something could not be checked, so this is not a yes.',
  },
  invalid: {
    zh: '至少一项不成立，不能作为真实、完整的文件使用。',
    en: 'At least one answer is no: do not rely on this file.',
  },
  'unknown-signer': {
    zh: '文件自身完好，但签发方不是所给互认协议的一方。',
    en: 'The file is sound in itself, but its signer is no party of the given agreement.',
  },
};

export const kindWords: Record<FileKind, Text> = {
  bundle: { zh: '证据包', en: 'bundle' },
  envelope: { zh: '信封', en: 'envelope' },
  receipt: { zh: '回执', en: 'receipt' },
  agreement: { zh: '互认协议', en: 'agreement' },
  unknown: { zh: '未识别的文件', en: 'unrecognised file' },
};

interface CheckWords {
  question: Text;
  pass: Text;
  fail: Text;
}

const yes = { zh: '是', en: 'Yes' };
const no = { zh: '否', en: 'No' };

export const uncheckedAnswer: Text = { zh: '无法核验', en: 'Could not check' };
export const notAskedAnswer: Text = {
  zh: '未核对（不影响结论）',
  en: 'Not looked into (the verdict does not rest on it)',
};

const receiptProves: Text = {
  zh: '是：{node} 的日志证明它在 {time} 已经存在',
  en: 'Yes: the log of {node} shows that it existed at {time}',
};
const onList: Text = {
  zh: '是（吊销列表第 {number} 号，{thisUpdate} 发布）',
  en: 'Yes (revocation list {number} of {thisUpdate})',
};
const currentList = {
  question: { zh: '所给的吊销列表是否仍是最新的？', en: 'Is the revocation list that was given still the latest?' },
  pass: { zh: '是，下一份最迟于 {nextUpdate} 发布', en: 'Yes, the next one is due on {nextUpdate}' },
  fail: { zh: '否（下一份的日期：{nextUpdate}）', en: 'No (the next one is dated {nextUpdate})' },
};

/** One question per check. `{name}` stands for a parameter of the check. */
export const checkWords: Record<CheckId, CheckWords> = {
  'container.layout': {
    question: { zh: '容器的结构是否与规范逐字节一致？', en: 'Is the container laid out byte for byte as specified?' },
    pass: { zh: '是，共 {entries} 个条目', en: 'Yes, {entries} entries' },
    fail: no,
  },
  'container.mimetype': {
    question: {
      zh: '首个条目是否声明为 ASiC-E 证据包？',
      en: 'Does the first entry say that this is an ASiC-E container?',
    },
    pass: yes,
    fail: no,
  },
  'container.checksum': {
    question: {
      zh: '各条目的 CRC-32 是否与目录一致？',
      en: 'Does the CRC-32 of every entry agree with the directory?',
    },
    pass: yes,
    fail: { zh: '否：{name}', en: 'No: {name}' },
  },
  'manifest.form': {
    question: { zh: '文件清单是否可读且形式规范？', en: 'Is the manifest readable and of the specified form?' },
    pass: { zh: '是，列明 {files} 个文件', en: 'Yes, it names {files} files' },
    fail: no,
  },
  'manifest.complete': {
    question: {
      zh: '包内文件是否与清单一一对应，不多不少？',
      en: 'Does the container hold exactly the files of the manifest?',
    },
    pass: { zh: '是，{files} 个文件', en: 'Yes, {files} files' },
    fail: { zh: '否：{name}', en: 'No: {name}' },
  },
  'file.digest': {
    question: {
      zh: '文件内容是否与清单所列摘要（SHA-256）一致？',
      en: 'Does the file have the SHA-256 digest that the manifest states?',
    },
    pass: yes,
    fail: { zh: '否：{name} 的内容已不是用印时的内容', en: 'No: {name} is not what was sealed' },
  },
  'seal.form': {
    question: { zh: '签名文件是否为规范的 CAdES 签名？', en: 'Is the signature file a well-formed CAdES signature?' },
    pass: yes,
    fail: no,
  },
  'seal.signature': {
    question: { zh: '电子印章的签名是否与清单相符？', en: 'Does the seal’s signature hold over the manifest?' },
    pass: yes,
    fail: no,
  },
  'seal.certificate': {
    question: {
      zh: '用印时，印章证书是否有效且可用于签章？',
      en: 'Was the seal’s certificate good for sealing at the time of signing?',
    },
    pass: yes,
    fail: no,
  },
  'seal.signer': {
    question: { zh: '印章是否属于互认协议的一方？', en: 'Does the seal belong to a party of the agreement?' },
    pass: { zh: '是：{authority}', en: 'Yes: {authority}' },
    fail: no,
  },
  'seal.time': {
    question: { zh: '所称用印时间是否不晚于现在？', en: 'Does the claimed time of sealing lie in the past?' },
    pass: { zh: '是：{signedAt}（签章方自称）', en: 'Yes: {signedAt} (the signer’s own claim)' },
    fail: no,
  },
  'seal.still-valid': {
    question: {
      zh: '印章证书现已失效，能否证明用印在失效之前？',
      en: 'The seal’s certificate has ended since: is it proven that the seal is older than that?',
    },
    pass: receiptProves,
    fail: no,
  },
  'seal.revocation': {
    question: {
      zh: '用印时，印章证书是否未被吊销？',
      en: 'Was the seal’s certificate unrevoked when it sealed?',
    },
    pass: onList,
    fail: { zh: '否，已于 {revokedAt} 吊销', en: 'No, it was revoked on {revokedAt}' },
  },
  'seal.crl-current': currentList,
  'envelope.form': {
    question: { zh: '信封是否可读且形式规范？', en: 'Is the envelope readable and of the specified form?' },
    pass: yes,
    fail: no,
  },
  'envelope.signature': {
    question: { zh: '信封上的节点签名是否成立？', en: 'Does the node’s signature on the envelope hold?' },
    pass: yes,
    fail: no,
  },
  'envelope.agreement': {
    question: {
      zh: '信封所依据的协议版本是否在所给之中，且当时有效？',
      en: 'Is the version of the agreement that the envelope names among those given, and was it in force?',
    },
    pass: { zh: '是：{id} 第 {version} 版', en: 'Yes: {id} version {version}' },
    fail: no,
  },
  'envelope.certificate': {
    question: {
      zh: '签发时，节点证书是否有效且用途相符？',
      en: 'Was the node’s certificate good at the time of issue?',
    },
    pass: yes,
    fail: no,
  },
  'envelope.signer': {
    question: {
      zh: '签发节点是否属于互认协议的一方？',
      en: 'Does the issuing node belong to a party of the agreement?',
    },
    pass: { zh: '是：{authority}', en: 'Yes: {authority}' },
    fail: no,
  },
  'envelope.still-valid': {
    question: {
      zh: '节点证书现已失效，能否证明信封签发在失效之前？',
      en: 'The node’s certificate has ended since: is it proven that the envelope is older than that?',
    },
    pass: receiptProves,
    fail: no,
  },
  'envelope.revocation': {
    question: {
      zh: '签发时，节点证书是否未被吊销？',
      en: 'Was the node’s certificate unrevoked when it signed?',
    },
    pass: onList,
    fail: { zh: '否，已于 {revokedAt} 吊销', en: 'No, it was revoked on {revokedAt}' },
  },
  'envelope.crl-current': currentList,
  'envelope.recipient': {
    question: { zh: '收件节点是否属于协议的另一方？', en: 'Is the recipient the node of another party?' },
    pass: { zh: '是：{authority}', en: 'Yes: {authority}' },
    fail: no,
  },
  'envelope.matches-bundle': {
    question: {
      zh: '信封所指的证据包是否就是一同给出的证据包？',
      en: 'Is the bundle that the envelope names the one given with it?',
    },
    pass: { zh: '是：{bundle}', en: 'Yes: {bundle}' },
    fail: no,
  },
  'envelope.after-seal': {
    question: { zh: '是否先用印、后发出？', en: 'Was the bundle sealed before the envelope was issued?' },
    pass: yes,
    fail: {
      zh: '否，用印时间 {signedAt} 晚于发出时间',
      en: 'No, it was sealed at {signedAt}, after the envelope was issued',
    },
  },
  'receipt.form': {
    question: { zh: '回执是否可读且形式规范？', en: 'Is the receipt readable and of the specified form?' },
    pass: yes,
    fail: no,
  },
  'receipt.entry': {
    question: { zh: '回执是否载有完整的日志记录？', en: 'Does the receipt carry a well-formed log entry?' },
    pass: { zh: '是：{event}，{time}', en: 'Yes: {event}, {time}' },
    fail: no,
  },
  'receipt.log': {
    question: { zh: '记录是否出自该节点自己的日志？', en: 'Is the entry from that node’s own log?' },
    pass: { zh: '是：{origin}', en: 'Yes: {origin}' },
    fail: {
      zh: '否：记录称 {node}，检查点为 {origin}',
      en: 'No: the entry says {node}, the checkpoint is of {origin}',
    },
  },
  'receipt.inclusion': {
    question: { zh: '记录是否确在检查点所固定的日志之内？', en: 'Is the entry in the tree that the checkpoint fixes?' },
    pass: { zh: '是，第 {index} 号（自 0 起），共 {size} 条', en: 'Yes, at index {index} of {size}' },
    fail: no,
  },
  'receipt.checkpoint': {
    question: { zh: '检查点上的日志签名是否成立？', en: 'Does the log’s signature on the checkpoint hold?' },
    pass: yes,
    fail: no,
  },
  'receipt.cosignatures': {
    question: { zh: '检查点上的每一个签名是否都能核验？', en: 'Could every signature on the checkpoint be checked?' },
    pass: yes,
    fail: no,
  },
  'receipt.signer': {
    question: { zh: '该日志是否属于互认协议的一方？', en: 'Does the log belong to a party of the agreement?' },
    pass: { zh: '是：{authority}', en: 'Yes: {authority}' },
    fail: no,
  },
  'receipt.matches-envelope': {
    question: {
      zh: '回执所指的信封是否就是一同给出的信封？',
      en: 'Is the envelope that the receipt names the one given with it?',
    },
    pass: { zh: '是：{envelope}', en: 'Yes: {envelope}' },
    fail: no,
  },
  'agreement.form': {
    question: { zh: '协议文件是否可读且形式规范？', en: 'Is the agreement readable and of the specified form?' },
    pass: yes,
    fail: no,
  },
  'agreement.signatures': {
    question: { zh: '各方是否都对同一文本用印？', en: 'Has every party sealed the same text?' },
    pass: { zh: '是，{parties} 方', en: 'Yes, all {parties}' },
    fail: no,
  },
  'agreement.trusted': {
    question: {
      zh: '这是否就是用 --trust 指定信任的协议？',
      en: 'Is this the agreement that --trust names?',
    },
    pass: yes,
    fail: no,
  },
  'agreement.succession': {
    question: {
      zh: '这一版是否承接前一版，且没有内容不同的同号版本？',
      en: 'Does this version follow the one before it, and is there no other text of the same number?',
    },
    pass: { zh: '是，承接第 {previous} 版', en: 'Yes, it follows version {previous}' },
    fail: no,
  },
  'agreement.timestamps': {
    question: { zh: '签署所附的时间戳是否成立？', en: 'Do the time-stamps on the signatures hold?' },
    pass: { zh: '是：{node} 于 {time}（{authority}）', en: 'Yes: {node} by {time} ({authority})' },
    fail: { zh: '否：{node}', en: 'No: {node}' },
  },
  'agreement.time-authorities': {
    question: { zh: '时间戳是否出自正式的时间戳机构？', en: 'Are the time-stamps by real time-stamp authorities?' },
    pass: yes,
    fail: { zh: '否：{authority} 仅供演示', en: 'No: {authority} is for demonstration' },
  },
  'file.kind': {
    question: {
      zh: '这是不是界桥的证据包、信封、回执或协议？',
      en: 'Is this a Jieqiao bundle, envelope, receipt or agreement?',
    },
    pass: yes,
    fail: no,
  },
};

/** Keywords of JSON Schema that a text may break. */
const schemaRules = [
  ...['type', 'const', 'enum', 'required', 'additionalProperties', 'anyOf', 'pattern', 'format', 'minLength'],
  ...['maxLength', 'minimum', 'maximum', 'minItems', 'maxItems'],
];
const offSchema: Text = { zh: '{pointer} 处与规范不符', en: 'at {pointer} it is not as specified' };

/**
 * Why, for the stable `reason` words of checks, or for one word with one check; one without an entry is shown as it is.
 */
export const reasonWords: Readonly<Record<string, Text>> = {
  ...Object.fromEntries(schemaRules.map((rule) => [rule, offSchema])),
  'agreement.signatures missing': { zh: '有一方没有签署：{party}', en: 'a party has not signed: {party}' },
  'agreement.signatures certificate': {
    zh: '签署所附的印章证书无法解析：{party}',
    en: 'the seal certificate with a signature could not be read: {party}',
  },
  'agreement.signatures log-key': {
    zh: '签署所用的日志密钥不是该方的：{party}',
    en: 'a log key that signed is not that party’s: {party}',
  },
  'agreement.form previous': {
    zh: '第 1 版不应写有前一版，其后各版应当写明',
    en: 'version 1 names a version before it, or a later one names none',
  },
  'agreement.trusted other-agreement': {
    zh: '它不是所信任的任何一版，也不能从中逐版承接得出',
    en: 'it is none of those that are trusted, nor does it follow from one of them',
  },
  'agreement.timestamps imprint': {
    zh: '时间戳不是对这份签署的',
    en: 'the time-stamp is not over this signature',
  },
  'agreement.timestamps message-digest': {
    zh: '时间戳的内容在签发之后被改动',
    en: 'the time-stamp was changed after it was made',
  },
  'agreement.timestamps signing-certificate': {
    zh: '时间戳内附的证书不是签发它的证书',
    en: 'the certificate inside is not the one that made the time-stamp',
  },
  'agreement.timestamps UNKNOWN_ISSUER': {
    zh: '协议没有载明这家时间戳机构',
    en: 'the agreement does not name this time-stamp authority',
  },
  'no-trust': {
    zh: '没有用 --trust 给出互认协议，无从知道谁可以签发',
    en: 'no agreement was given with --trust, so nothing says who may sign',
  },
  'earlier-failure': { zh: '前面的项目不成立，无法继续', en: 'an earlier check failed' },
  'other-agreement': {
    zh: '所给的是另一份协议或另一个版本，请用 --trust 给出它所依据的那一版',
    en: 'the given agreement is another one or another version; give the one it was made under with --trust',
  },
  'no-agreement-in-force': {
    zh: '所给协议（第 {version} 版）当时尚未生效、已经期满或已被新版取代，请用 --trust 给出当时有效的版本',
    en: 'the given agreement (version {version}) was not in force at the time; give the version that was with --trust',
  },
  'no-crl': {
    zh: '没有用 --crl 给出吊销列表，不知道证书是否被吊销',
    en: 'no revocation list was given with --crl: whether the certificate was revoked is not known',
  },
  'no-crl-of-issuer': {
    zh: '所给吊销列表都不是该证书签发者的，不知道它是否被吊销',
    en: 'none of the lists given is by the certificate’s issuer: whether it was revoked is not known',
  },
  'crl-stale': {
    zh: '列表已过期，其后的吊销看不到；请取新的列表',
    en: 'the list is out of date: later revocations are not on it; get the latest one',
  },
  'crl-from-the-future': {
    zh: '列表的日期晚于本机时间',
    en: 'the list is dated later than this computer’s time',
  },
  'expired-without-proof-of-time': {
    zh: '证书已于 {notAfter} 到期，没有可信时间证明签名在此之前；一同给出对方的回执即可证明',
    en: 'the certificate ran out on {notAfter} and nothing trusted shows that it signed before; the other party’s receipt, given along, does',
  },
  'revoked-without-proof-of-time': {
    zh: '证书已于 {revokedAt} 吊销，没有可信时间证明签名在此之前；一同给出对方的回执即可证明',
    en: 'the certificate was revoked on {revokedAt} and nothing trusted shows that it signed before; the other party’s receipt, given along, does',
  },
  'withdrawn-without-proof-of-time': {
    zh: '协议第 {version} 版已撤换其根证书，没有可信时间证明签名在此之前；一同给出对方的回执即可证明',
    en: 'version {version} of the agreement has withdrawn its root, and nothing trusted shows that it signed before; the other party’s receipt, given along, does',
  },
  'revoked-since': {
    zh: '证书此后于 {revokedAt} 吊销；{node} 的日志证明签名在 {time} 已经存在',
    en: 'it was revoked later, on {revokedAt}; the log of {node} shows that the signature existed at {time}',
  },
  'predecessor-not-given': { zh: '没有给出第 {version} 版', en: 'version {version} was not given' },
  'by-succession': {
    zh: '它由各方依所信任的版本逐版承接而来',
    en: 'it follows from the version that is trusted, version by version, by the keys of each',
  },
  'not-given': { zh: '它所指的文件不在给出的文件之中', en: 'the file it names is not among those given' },
  'matches-none': { zh: '给出的文件都不是它所指的文件', en: 'none of the files given is the one it names' },
  'unknown-log-key': {
    zh: '该日志还用了另一把密钥签署，所给协议都没有载明它；请用 --trust 一并给出载明它的版本',
    en: 'the log also signed by a key that none of the given agreements names; give the version that does with --trust',
  },
  'unknown-witness': { zh: '有不认识的见证签名', en: 'there is a signature by a witness that we do not know' },
  'foreign-container': {
    zh: '这是其他软件生成的压缩包或签名容器，本工具不能核验',
    en: 'this is a zip or signed container of other software, which this tool cannot check',
  },
  'unknown-format': { zh: '无法识别文件内容', en: 'the content was not recognised' },
  absent: { zh: '缺失或不在规定位置', en: 'it is missing or not in its place' },
  missing: { zh: '清单所列的文件不在包内', en: 'a file of the manifest is not in the container' },
  unreferenced: { zh: '包内有清单未列的文件', en: 'the container holds a file that the manifest does not name' },
  order: { zh: '次序与规范不符', en: 'the order is not the specified one' },
  differs: { zh: '计算结果与记载不同', en: 'the computed value is not the stated one' },
  'not-first': { zh: '首个条目不是 mimetype', en: 'the first entry is not mimetype' },
  'other-type': { zh: '声明为其他类型', en: 'it states another type' },
  'no-end-record': { zh: '文件被截断，或末尾另有内容', en: 'the file is cut short or something follows its end' },
  'no-zip64-record': { zh: '缺少 ZIP64 记录', en: 'the ZIP64 record is missing' },
  'too-many-entries': { zh: '条目过多', en: 'it has too many entries' },
  'too-many-files': { zh: '文件过多', en: 'it names too many files' },
  'too-large': { zh: '超过大小上限', en: 'it is larger than allowed' },
  'central-directory': { zh: '目录与规范不符', en: 'the directory is not as specified' },
  'local-header': { zh: '条目头与目录不一致', en: 'an entry’s header disagrees with the directory' },
  'end-record': { zh: '结尾记录与规范不符', en: 'the end record is not as specified' },
  'gap-or-overlap': {
    zh: '条目之间有空隙或重叠，或前后夹带其他内容',
    en: 'there is a gap, an overlap, or something before or after the entries',
  },
  encrypted: { zh: '条目被加密', en: 'an entry is encrypted' },
  compressed: { zh: '条目被压缩', en: 'an entry is compressed' },
  comment: { zh: '夹带注释', en: 'it carries a comment' },
  attributes: { zh: '条目带有文件属性或链接', en: 'an entry has attributes or is a link' },
  'extra-field': { zh: '条目带有附加字段', en: 'an entry has an extra field' },
  'name-twice': { zh: '文件名重复或仅大小写不同', en: 'a name stands twice, or twice but for case' },
  'name-traversal': { zh: '文件名企图跳出目录', en: 'a name tries to leave its folder' },
  'name-empty-component': { zh: '文件名为绝对路径或含空目录名', en: 'a name is absolute or has an empty part' },
  'name-character': { zh: '文件名含不允许的字符', en: 'a name has a character that is not allowed' },
  'name-not-nfc': { zh: '文件名不是规范的 Unicode 形式', en: 'a name is not in Unicode normal form' },
  'name-encoding': { zh: '文件名不是 UTF-8', en: 'a name is not UTF-8' },
  'name-place': { zh: '文件名不在规定的目录', en: 'a name is not in one of the specified folders' },
  'no-files': { zh: '清单没有列任何文件', en: 'the manifest names no file' },
  'name-device-name': { zh: '文件名是系统保留的设备名', en: 'a name is one that systems keep for devices' },
  'media-type': { zh: '文件类型的写法不规范', en: 'a media type is not as specified' },
  form: { zh: '与规范的唯一写法不一致', en: 'it is not in the one specified form' },
  structure: { zh: '结构无法解析', en: 'its structure could not be read' },
  'message-digest': { zh: '清单在用印之后被改动', en: 'the manifest was changed after sealing' },
  signature: { zh: '签名值不成立', en: 'the signature value does not hold' },
  'signing-certificate': {
    zh: '签名内附的证书不是用印时的证书',
    en: 'the certificate inside is not the one that sealed',
  },
  algorithm: { zh: '签名算法不被允许', en: 'the algorithm is not allowed' },
  malformed: { zh: '无法解析', en: 'it could not be read' },
  'not-one': { zh: '不是恰好一张证书', en: 'it is not exactly one certificate' },
  'not-der': { zh: '编码不规范，无法解析', en: 'its encoding is not as specified; it could not be read' },
  'too-deep': { zh: '嵌套层数过多', en: 'it nests too deep' },
  'name-too-long': { zh: '名称过长', en: 'a name in it is too long' },
  'too-many-names': { zh: '名称过多', en: 'it has too many names' },
  serial: { zh: '序列号不规范', en: 'its serial number is not as specified' },
  validity: { zh: '有效期不规范', en: 'its period of validity is not as specified' },
  'public-key': { zh: '公钥无法使用', en: 'its public key cannot be used' },
  NOT_YET_VALID: { zh: '当时证书尚未生效', en: 'the certificate was not yet valid' },
  EXPIRED: { zh: '当时证书已过期', en: 'the certificate had expired' },
  REVOKED: { zh: '当时证书已被吊销', en: 'the certificate had been revoked' },
  UNKNOWN_ISSUER: {
    zh: '证书不是由协议所载的根证书签发',
    en: 'the certificate was not issued by a root that the agreement pins',
  },
  WRONG_USE: { zh: '证书用途不符', en: 'the certificate is for another use' },
  WEAK_KEY: { zh: '密钥强度不足', en: 'the key is too weak' },
  WEAK_SIGNATURE: {
    zh: '证书上的签发签名算法强度不足',
    en: 'the issuer’s signature on the certificate is by a weak algorithm',
  },
  NOT_A_SPEAKER: {
    zh: '该认证机构为许多单位签发证书，而协议没有把这一张列为当事方所有',
    en: 'this certification authority serves many, and the agreement does not list this certificate for any party',
  },
  NOT_A_CA: { zh: '签发者不是根证书', en: 'its issuer is no certification authority' },
  WRONG_NAME: { zh: '证书属于另一主体', en: 'the certificate speaks for somebody else' },
  UNKNOWN_CRITICAL_EXTENSION: { zh: '证书含不认识的关键扩展', en: 'the certificate has an unknown critical extension' },
  'not-a-party': { zh: '协议中没有这一方', en: 'the agreement has no such party' },
  'in-the-future': { zh: '所称时间晚于本机时间', en: 'the claimed time lies after this computer’s' },
  'name-and-digest-differ': { zh: '名称与摘要指向不同的协议', en: 'name and digest point to different agreements' },
  superseded: {
    zh: '签发时第 {later} 版已经生效，第 {version} 版已被取代',
    en: 'version {later} had already taken the place of version {version}',
  },
  'authority-not-yet': { zh: '当时该机关尚未设立', en: 'the authority did not exist yet' },
  'authority-ended': { zh: '当时该机关已经撤销', en: 'the authority no longer existed' },
  'authority-succeeded': {
    zh: '当时该机关的职权已由其他机关承继',
    en: 'the authority’s powers had passed to its successor',
  },
  'not-in-force': { zh: '签发时协议不在有效期内', en: 'the agreement was not in force at the time' },
  'to-itself': { zh: '收件方就是签发方', en: 'it is addressed to its own issuer' },
  'file-differs': { zh: '包内没有信封所列的某个文件', en: 'a file that the envelope lists is not in the bundle' },
  'sealed-by-another': {
    zh: '用印的不是信封的签发方',
    en: 'the bundle was sealed by another than the envelope’s issuer',
  },
  'sealed-later': { zh: '先后颠倒', en: 'the order is reversed' },
  'not-by-the-recipient': { zh: '回执不是由收件方出具', en: 'the receipt is not by the envelope’s recipient' },
  'received-before-issued': {
    zh: '回执的时间早于信封自称的签发时间',
    en: 'the receipt is older than the envelope says it is itself',
  },
  contradicts: { zh: '回执所述与信封不一致', en: 'what the receipt says disagrees with the envelope' },
  'other-log': { zh: '检查点属于另一个日志', en: 'the checkpoint is of another log' },
  'not-included': { zh: '由记录推不出检查点的根', en: 'the entry does not lead to the checkpoint’s root' },
  'no-signature-by-the-log': { zh: '没有该日志的签名', en: 'there is no signature by that log’s key' },
  'size-or-encoding': { zh: '过大或不是 UTF-8', en: 'it is too large or not UTF-8' },
  'no-checkpoint': { zh: '没有检查点', en: 'there is no checkpoint' },
  'too-many-hashes': { zh: '哈希过多', en: 'it has too many hashes' },
  extra: { zh: '日志记录一行不规范', en: 'the line with the entry is not as specified' },
  index: { zh: '序号一行不规范', en: 'the line with the index is not as specified' },
  hash: { zh: '有一行哈希不规范', en: 'a line with a hash is not as specified' },
  lines: { zh: '检查点的行数不规范', en: 'the checkpoint does not have the specified lines' },
  size: { zh: '日志大小的写法不规范', en: 'the size of the log is not as specified' },
  root: { zh: '日志根的写法不规范', en: 'the root of the log is not as specified' },
  'control-character': { zh: '含控制字符', en: 'it has a control character' },
  'no-signatures': { zh: '没有签名', en: 'there is no signature' },
  'too-many-signatures': { zh: '签名过多', en: 'there are too many signatures' },
  'signature-line': { zh: '有一行签名不规范', en: 'a line with a signature is not as specified' },
  'other-origin': { zh: '检查点属于另一个日志', en: 'the checkpoint is of another log' },
  LOG_MALFORMED: { zh: '不是规范的日志记录', en: 'it is not a log entry as specified' },
  'false-signature': { zh: '签名值不成立', en: 'the signature value does not hold' },
  'no-known-signer': { zh: '没有可核验的签名', en: 'there is no signature that could be checked' },
  encoding: { zh: '编码不规范', en: 'its encoding is not the specified one' },
  'not-three-parts': { zh: '不是三段的 JWS', en: 'it is not a JWS of three parts' },
  'not-canonical': { zh: '不是规范 JSON', en: 'its JSON is not canonical' },
  'not-json': { zh: '不是 JSON', en: 'it is not JSON' },
  header: { zh: '头部不规范', en: 'its header is not as specified' },
  kid: { zh: '证书与指纹不符', en: 'the certificate does not have the stated fingerprint' },
  twice: { zh: '签名重复', en: 'a signature stands twice' },
  'effective-range': { zh: '生效时间不早于终止时间', en: 'it ends before it begins' },
  'party-twice': { zh: '同一方列了两次', en: 'a party is listed twice' },
  'time-authority': { zh: '时间戳机构的证书无法解析', en: 'a time-stamp authority’s certificate could not be read' },
  'time-authority-twice': { zh: '两家时间戳机构重名', en: 'two time-stamp authorities have one name' },
  'successor-unknown': { zh: '承继者不是协议的一方', en: 'a successor is no party' },
  'successor-ring': { zh: '承继关系成环', en: 'successors form a ring' },
  'speaker-twice': {
    zh: '同一张证书被列为两方所有',
    en: 'one certificate is listed for two parties, or twice for one',
  },
  'anchor-shared': {
    zh: '为许多单位签发证书的认证机构被当作一方自己的根证书',
    en: 'a certification authority that serves many is listed as a party’s own root',
  },
  'anchor-twice': { zh: '同一根证书列了两次', en: 'a root is listed twice' },
  'anchor-not-a-ca': { zh: '所列根证书不是认证机构证书', en: 'a root that is listed is no certification authority' },
  anchor: { zh: '所列根证书无法解析', en: 'a root that is listed could not be read' },
  region: { zh: '行政区划代码与节点名不符', en: 'the region is not that of the node' },
  'log-key': { zh: '日志密钥不规范', en: 'a log key is not as specified' },
  demonstration: {
    zh: '演示用的时间戳机构由使用者自己运行，其时间不能向第三人证明什么',
    en: 'an authority for demonstration is run by its users: its time proves nothing to others',
  },
  previous: { zh: '它所写的前一版不是这一版', en: 'it names another text as the version before it' },
  'effective-before-previous': { zh: '它的生效时间早于前一版', en: 'it begins before the version before it' },
  'not-by-the-key-before': {
    zh: '有一方没有用前一版所载的印章签署',
    en: 'a party has not signed by a seal that the version before names',
  },
  'log-key-not-shown': {
    zh: '有一方更换日志密钥，却没有用新旧两把密钥签署',
    en: 'a party changes its log key without having signed by the old and the new one',
  },
  'key-unknown': {
    zh: '有签名用的是前后两版都没有的密钥',
    en: 'there is a signature by a key that neither version names',
  },
  AGREEMENT_FORKED: {
    zh: '同一版号有两份内容不同的文本',
    en: 'there are two different texts under one version number',
  },
  AGREEMENT_ROLLED_BACK: { zh: '它比已知的版本更旧', en: 'it is older than the version that is known' },
  AGREEMENT_VERSION_GAP: { zh: '中间缺少版本', en: 'a version between is missing' },
};

export const labels = {
  overall: { zh: '核验结论', en: 'Verdict' },
  basis: { zh: '依据', en: 'Checked against' },
  noBasis: { zh: '未给出互认协议（--trust）', en: 'no agreement (--trust)' },
  lists: { zh: '吊销列表', en: 'Revocation lists' },
  noLists: {
    zh: '未给出（--crl），没有核对证书是否被吊销',
    en: 'none given (--crl): whether certificates were revoked was not checked',
  },
  list: { zh: '{issuer}，第 {number} 号，{thisUpdate} 发布', en: '{issuer}, number {number} of {thisUpdate}' },
  version: { zh: '第 {version} 版', en: 'version {version}' },
  signer: { zh: '签发', en: 'Signed by' },
  signedAt: { zh: '自称时间', en: 'Claimed time' },
  proven: { zh: '证明已存在于', en: 'Shown to exist at' },
  under: { zh: '所依协议', en: 'Under' },
  digest: { zh: '摘要', en: 'Digest' },
  number: { zh: '文号', en: 'Number' },
  test: { zh: '试验信封：没有案件内容，不产生任何效力', en: 'A test envelope: no case, no effect' },
  from: { zh: '自', en: 'From' },
  to: { zh: '至', en: 'To' },
  files: { zh: '文件', en: 'Files' },
  event: { zh: '日志记录', en: 'Log entry' },
  outcome: { zh: '规则结果', en: 'Rules’ proposal' },
  reason: { zh: '理由', en: 'Reason' },
  times: { zh: '（{count} 项）', en: ' ({count} times)' },
} satisfies Record<string, Text>;

export const problems = {
  noFiles: { zh: '没有给出要核验的文件。', en: 'No file to verify was given.' },
  option: { zh: '不认识的选项或缺少参数：{detail}', en: 'Unknown option or missing value: {detail}' },
  unreadable: { zh: '无法读取 {file}（{detail}）', en: 'Cannot read {file} ({detail})' },
  trust: {
    zh: '--trust 所给的 {file} 不是由各方签署的有效协议（{detail}），无法核验',
    en: '{file}, given with --trust, is not an agreement signed by all its parties ({detail}): nothing can be checked',
  },
  crl: {
    zh: '--crl 所给的 {file} 不是可读的吊销列表（{detail}），无法核验',
    en: '{file}, given with --crl, is not a readable revocation list ({detail}): nothing can be checked',
  },
  history: {
    zh: '--trust 所给的各版互认协议互相矛盾（第 {file} 版，{detail}），无法核验',
    en: 'the versions given with --trust contradict each other (version {file}, {detail}): nothing can be checked',
  },
  foreignCrl: {
    zh: '--crl 所给的吊销列表（{file}）不是由所给协议的任何一方的根证书签发，不能据以核对，无法核验',
    en: 'a list given with --crl ({file}) was not signed by a root of the agreements given: it shows nothing, and nothing can be checked',
  },
  fault: { zh: '核验中断，没有结论：{detail}', en: 'Verification broke off without a verdict: {detail}' },
} satisfies Record<string, Text>;

export const usage: Text = {
  zh: `用法：jieqiao-verify 文件… [--trust 协议.json]… [--crl 吊销列表]… [--json] [--lang zh|en]

离线核验界桥的证据包（*.asice）、信封、回执（*.tlog-proof）和互认协议；一次给出多份文件时还核对它们是否互相对应。
文件种类由内容识别，与文件名无关。证书到期或吊销之后，一同给出对方的回执，即可证明签名在此之前。

  --trust 文件    依据哪一版互认协议认定签发方，可给出多版；不给出则签发方一律无法核验
  --crl 文件      当事方根证书签发的吊销列表（DER 或 PEM），可给出多份；不给出则不核对证书是否被吊销
  --json          以 JSON 输出
  --lang zh|en    输出语言；默认按 LANG，否则为中文
  --help          显示本说明

退出码：0 通过（含有警告），1 未通过或签发方未知，2 无法核验`,
  en: `Usage: jieqiao-verify FILE… [--trust agreement.json]… [--crl list.crl]… [--json] [--lang zh|en]

Verifies Jieqiao bundles (*.asice), envelopes, receipts (*.tlog-proof) and agreements with no network. Files given
together are also checked against each other. What a file is, is told by its content, not by its name. Once a
certificate has run out or was revoked, the other party's receipt, given along, shows that the signature is older.

  --trust FILE    a version of the agreement that says who may sign, once for each version; without any no signer
                  can be checked
  --crl FILE      a revocation list (DER or PEM) by a party's root, once for each; without any, whether
                  certificates were revoked is not checked
  --json          print JSON
  --lang zh|en    language; by LANG, else Chinese
  --help          print this

Exit code: 0 valid (warnings included), 1 not valid or unknown signer, 2 could not check`,
};
