import type { ErrorCode } from '@jieqiao/core';
import type { Text } from '../words';

const text = (zh: string, en: string): Text => ({ zh, en });

const defect = text(
  '这是程序的缺陷：把错误、版本和节点日志交给维护人员',
  'This is a defect: give the error, the version and the node’s log to whoever maintains it',
);
const sendAgain = text(
  '原样重试没有用；由承办人核对后重新移送',
  'Trying again as it is won’t help; the officer in charge checks it and sends it anew',
);
const tellPeer = text(
  '把错误码告诉对方管理员：问题在对方的节点或在两地之间的线路上',
  'Tell the other side’s administrator this code: the fault is in their node or on the line between',
);
const correctInput = text('按提示改正后再试', 'Correct what is named and try again');
const signInAgain = text('重新登录', 'Sign in again');
const waits = text('不必处理：节点会自动重试', 'Nothing: the node tries again by itself');
const askForWhole = text(
  '文件损坏或不完整：请对方重新导出，整份交来，不要用编辑器打开保存',
  'The file is damaged: ask for a fresh copy, and don’t save it from an editor',
);

/** What an administrator does about each code: said by the command line and by `doctor`. */
export const remedies: Readonly<Record<ErrorCode, Text>> = {
  VALIDATION_FAILED: correctInput,
  MALFORMED_JSON: correctInput,
  BODY_TOO_LARGE: correctInput,
  UNSUPPORTED_MEDIA_TYPE: correctInput,
  NOT_FOUND: text('核对名称或编号', 'Check the name or id'),
  METHOD_NOT_ALLOWED: correctInput,
  RANGE_NOT_SATISFIABLE: correctInput,
  NOT_SIGNED_IN: signInAgain,
  BAD_CREDENTIALS: text('核对用户名和密码', 'Check login and password'),
  SESSION_EXPIRED: signInAgain,
  SESSION_REVOKED: signInAgain,
  FORBIDDEN: text('由有权限的人员办理', 'Somebody whose role permits it must do this'),
  REASON_REQUIRED: text('选择一项理由并写明', 'Choose one of the reasons and say more in words'),
  TOO_MANY_REQUESTS: text('过一分钟再试', 'Try again in a minute'),
  PRECONDITION_REQUIRED: correctInput,
  PRECONDITION_FAILED: text('重新读取后再改', 'Read it again, then change it'),
  IDEMPOTENCY_KEY_REQUIRED: correctInput,
  IDEMPOTENCY_KEY_REUSED: correctInput,
  WRONG_STATE: text('先核对当前状态', 'Look at its state first'),
  COMMAND_REFUSED: text('看原因：缺什么、由谁办', 'See the reason: what is missing, and whose step it is'),
  RECOGNITION_BLOCKED: text('按所列规则补正，或改用其他途径', 'Cure what the rules name, or take another way'),
  ACKNOWLEDGEMENT_REQUIRED: text('逐条确认提示后再发', 'Acknowledge the warnings, then send'),
  EVIDENCE_INCOMPLETE: text('等证据文件传完', 'Wait until the evidence is uploaded'),
  LIMIT_EXCEEDED: text('减少数量，或调整 limits 设置', 'Send less, or change the settings under limits'),
  NUMBER_TAKEN: text('换一个文号，或由节点编号', 'Give another number, or let the node give one'),
  NUMBER_PATTERN_MISSING: text(
    '由管理员设置 numbers.prefix 或 numbers.patterns',
    'The administrator sets numbers.prefix or numbers.patterns',
  ),
  FILE_TOO_LARGE: text(
    '拆分文件，或由接收方调高 limits.fileBytes',
    'Split it, or the receiver raises limits.fileBytes',
  ),
  UPLOAD_OFFSET_MISMATCH: waits,
  UPLOAD_IN_PROGRESS: waits,
  LENGTH_MISMATCH: text('重新上传该文件', 'Upload the file again'),
  DIGEST_MISMATCH: text('重新上传该文件', 'Upload the file again'),
  BLOB_NOT_ANNOUNCED: tellPeer,
  BLOB_MISSING: text(
    '证据目录里少了文件：从备份恢复 blobs 目录',
    'A file is missing from the evidence directory: restore blobs from a backup',
  ),
  PEER_UNKNOWN: text(
    '对方不在任何已生效的协议里：双方各运行 jieqiao agreement status 对照',
    'No agreement in force names it: both sides run jieqiao agreement status and compare',
  ),
  PEER_CERTIFICATE_REFUSED: text(
    '对方管理员在其节点上运行 jieqiao doctor，必要时 jieqiao key rotate node',
    'The other side’s administrator runs jieqiao doctor there and, if need be, jieqiao key rotate node',
  ),
  AGREEMENT_MISSING: text(
    '用 jieqiao agreement import 导入双方签署的协议；还没有就用 jieqiao agreement new 起草',
    'Take the signed agreement in with jieqiao agreement import; if there is none, jieqiao agreement new',
  ),
  AGREEMENT_MALFORMED: askForWhole,
  AGREEMENT_SIGNATURE_INVALID: text(
    '不要签署或导入；电话告诉对方，请其核对后重新签署',
    'Don’t sign or import it; call the other side, who checks and signs again',
  ),
  AGREEMENT_NOT_IN_FORCE: text(
    '用 jieqiao agreement status 看起止时间；已到期的用 jieqiao agreement amend 续签',
    'jieqiao agreement status shows from when to when; renew one that has ended with jieqiao agreement amend',
  ),
  AGREEMENT_UNKNOWN_VERSION: text(
    '一方缺少这一版：持有的一方用 jieqiao agreement export 导出，另一方 import',
    'One side lacks this version: whoever has it exports it, the other imports it (jieqiao agreement export, import)',
  ),
  AGREEMENT_SUPERSEDED: sendAgain,
  AGREEMENT_FORKED: text(
    '同一版本号出现两份文本，可能有人造假：先停用，双方电话核对各自文本的摘要',
    'Two texts under one number, perhaps a forgery: use neither, and compare digests by phone',
  ),
  AGREEMENT_ROLLED_BACK: text(
    '本节点已有更新的版本，旧版本不再导入；确需恢复旧条款，请签署新版本',
    'A newer version is held here and an older one is not taken in; to bring old terms back, sign a new version',
  ),
  AGREEMENT_VERSION_GAP: text('按版本号从小到大逐份导入', 'Import the versions one by one, lowest first'),
  AUTHORITY_SUCCEEDED: text('改发给承继机关', 'Send to the successor'),
  CARD_MALFORMED: text(
    '请对方用 jieqiao card --out 重新导出名片',
    'Ask for a fresh card: the other side runs jieqiao card --out',
  ),
  CERTIFICATE_MALFORMED: askForWhole,
  CERTIFICATE_REFUSED: text(
    '用 jieqiao key list 查看证书；换发用 jieqiao key rotate',
    'jieqiao key list shows the certificates; jieqiao key rotate renews them',
  ),
  KEY_UNUSABLE: text(
    '核对 keys 目录的文件和口令，用 jieqiao doctor 查看',
    'Check the files under keys and the passphrase; jieqiao doctor shows more',
  ),
  CRL_MALFORMED: askForWhole,
  CRL_SIGNATURE_INVALID: tellPeer,
  CRL_ROLLED_BACK: text(
    '对方给出了旧的吊销列表，可能是从旧备份恢复：电话核对，请其运行 jieqiao key crl',
    'The other side gave an older list, perhaps from an old backup: call them; they run jieqiao key crl',
  ),
  REVOCATION_STALE: text(
    '等对方节点连上后自动更新；持续不断时请对方运行 jieqiao key crl',
    'It comes by itself once the other node is reached; if not, they run jieqiao key crl',
  ),
  CLOCK_SKEW: text(
    '两边各运行 timedatectl，开启网络校时（NTP）',
    'Both sides run timedatectl and switch network time (NTP) on',
  ),
  TIMESTAMP_MALFORMED: text(
    '换用另一时间戳服务，或联系其运营者',
    'Use another time-stamp authority, or call its operator',
  ),
  TIMESTAMP_INVALID: text('核对 timestamps 设置里的证书', 'Check the certificate under the setting timestamps'),
  TIMESTAMP_UNAVAILABLE: text(
    '检查通往时间戳服务的网络，或在 timestamps 设置里加一个备用的',
    'Check the way to the authorities, or add another under the setting timestamps',
  ),
  ENVELOPE_MALFORMED: tellPeer,
  ENVELOPE_SIGNATURE_INVALID: tellPeer,
  ENVELOPE_SIGNER_UNKNOWN: text(
    '签发方证书不在协议之内：双方核对协议版本，换发节点证书',
    'The signer’s certificate is outside the agreement: compare versions, renew the node’s certificate',
  ),
  ENVELOPE_WRONG_ISSUER: tellPeer,
  ENVELOPE_WRONG_AUDIENCE: tellPeer,
  ENVELOPE_EXPIRED: sendAgain,
  ENVELOPE_FROM_FUTURE: text('两边校准时钟（timedatectl）', 'Set both clocks right (timedatectl)'),
  ENVELOPE_ALTERED: tellPeer,
  ENVELOPE_SEQ_GAP: text(
    '节点会自动补发；持续不断时可能有一方从旧备份恢复过，请双方电话核对',
    'Missing ones are sent again by themselves; if it stays, a side was restored from an old backup: call',
  ),
  ENVELOPE_CHAIN_BROKEN: text(
    '双方记录不一致，可能有一方从旧备份恢复过：不要清库，先电话核对',
    'The two sides’ records differ, perhaps after an old backup: delete nothing, call first',
  ),
  MESSAGE_REFUSED: tellPeer,
  MESSAGE_OUT_OF_TURN: waits,
  BUNDLE_MALFORMED: sendAgain,
  BUNDLE_SIGNATURE_INVALID: sendAgain,
  BUNDLE_SIGNER_UNKNOWN: text(
    '印章证书不在协议之内：用 jieqiao agreement amend 把它写进协议',
    'The seal’s certificate is outside the agreement: write it in with jieqiao agreement amend',
  ),
  BUNDLE_DIGEST_MISMATCH: sendAgain,
  BUNDLE_FILE_MISSING: waits,
  LOG_MALFORMED: tellPeer,
  LOG_SIGNATURE_INVALID: text(
    '日志密钥与协议不符：轮换过就用 jieqiao agreement amend --own-keys 写进协议',
    'The log’s key is not the agreement’s: after a rotation, jieqiao agreement amend --own-keys',
  ),
  LOG_PROOF_INVALID: tellPeer,
  LOG_INCONSISTENT: text(
    '数据库里的存证日志被改动过或恢复自旧备份：停止节点，保留现场，从最新备份恢复',
    'The log in the database was altered or comes from an old backup: stop the node, keep everything, restore the newest backup',
  ),
  RECEIPT_INVALID: tellPeer,
  CONFIG_INVALID: text(
    '按上面逐条修改 config.json 或环境变量，见 docs/guides/configuration.md',
    'Change config.json or the environment as said above; see docs/guides/configuration.md',
  ),
  DATABASE_UNAVAILABLE: text(
    '检查数据库是否运行、DATABASE_URL 是否正确、账号是否有权',
    'Check that the database runs, that DATABASE_URL is right and that the account may use it',
  ),
  PEER_UNREACHABLE: text(
    '用 jieqiao peer test 逐段检查；对方停机时会自动重试',
    'jieqiao peer test walks the way step by step; while the other side is down it is tried again by itself',
  ),
  LEASE_LOST: waits,
  NOT_READY: text('稍候再试；持续不断时运行 jieqiao doctor', 'Try again shortly; if it stays, run jieqiao doctor'),
  INTERNAL: defect,
};
