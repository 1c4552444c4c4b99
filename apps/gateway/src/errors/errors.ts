import { status } from '@grpc/grpc-js';
import { type ErrorCode, type ErrorParams, GatewayError } from '@jieqiao/core';

/** What an error is for the node's operator: somebody's mistake, something to look into, or a defect. */
type Severity = 'info' | 'warning' | 'error';

interface ErrorKind {
  http: number;
  grpc: status;
  severity: Severity;
  title: { zh: string; en: string };
}

const kind = (http: number, grpc: keyof typeof status, severity: Severity, zh: string, en: string): ErrorKind => ({
  http,
  grpc: status[grpc],
  severity,
  title: { zh, en },
});

/** One row per code: how it is told over HTTP and gRPC, how loudly it is logged, and its words. */
export const errorKinds = {
  VALIDATION_FAILED: kind(400, 'INVALID_ARGUMENT', 'info', '填报内容不符合要求', 'The input is not valid'),
  MALFORMED_JSON: kind(400, 'INVALID_ARGUMENT', 'info', '请求不是有效的 JSON', 'The request is not valid JSON'),
  BODY_TOO_LARGE: kind(413, 'RESOURCE_EXHAUSTED', 'info', '请求内容过大', 'The request is too large'),
  UNSUPPORTED_MEDIA_TYPE: kind(
    415,
    'INVALID_ARGUMENT',
    'info',
    '不支持的内容类型',
    'The content type is not supported',
  ),
  NOT_FOUND: kind(404, 'NOT_FOUND', 'info', '未找到', 'Not found'),
  METHOD_NOT_ALLOWED: kind(405, 'UNIMPLEMENTED', 'info', '不支持的请求方法', 'The method is not allowed here'),
  RANGE_NOT_SATISFIABLE: kind(416, 'OUT_OF_RANGE', 'info', '请求的范围超出文件', 'The range lies outside the file'),
  NOT_SIGNED_IN: kind(401, 'UNAUTHENTICATED', 'info', '请先登录', 'Sign in first'),
  BAD_CREDENTIALS: kind(401, 'UNAUTHENTICATED', 'warning', '用户名或密码不正确', 'Login or password is wrong'),
  SESSION_EXPIRED: kind(401, 'UNAUTHENTICATED', 'info', '登录已过期', 'The session has expired'),
  SESSION_REVOKED: kind(401, 'UNAUTHENTICATED', 'warning', '登录已被注销', 'The session has been ended'),
  FORBIDDEN: kind(403, 'PERMISSION_DENIED', 'warning', '无权进行此操作', 'Your role does not permit this'),
  REASON_REQUIRED: kind(
    428,
    'FAILED_PRECONDITION',
    'info',
    '查看此内容须说明理由',
    'This is shown for a stated reason only',
  ),
  TOO_MANY_REQUESTS: kind(
    429,
    'RESOURCE_EXHAUSTED',
    'warning',
    '尝试过于频繁，请稍后再试',
    'Too many attempts; try again later',
  ),
  PRECONDITION_REQUIRED: kind(
    428,
    'FAILED_PRECONDITION',
    'info',
    '须说明所依据的版本',
    'Say which version you have seen',
  ),
  PRECONDITION_FAILED: kind(412, 'ABORTED', 'info', '内容已被他人修改', 'It has changed since you saw it'),
  IDEMPOTENCY_KEY_REQUIRED: kind(400, 'INVALID_ARGUMENT', 'info', '缺少幂等键', 'An idempotency key is required'),
  IDEMPOTENCY_KEY_REUSED: kind(
    422,
    'INVALID_ARGUMENT',
    'info',
    '幂等键已用于另一请求',
    'The idempotency key belongs to another request',
  ),

  WRONG_STATE: kind(409, 'FAILED_PRECONDITION', 'info', '当前状态不允许此操作', 'The state does not permit this'),
  COMMAND_REFUSED: kind(409, 'FAILED_PRECONDITION', 'info', '现在不能这样办理', 'This can’t be done now'),
  RECOGNITION_BLOCKED: kind(
    422,
    'FAILED_PRECONDITION',
    'info',
    '对方依协议不能接收',
    'The agreement’s rules do not let the other side take this',
  ),
  ACKNOWLEDGEMENT_REQUIRED: kind(
    409,
    'FAILED_PRECONDITION',
    'info',
    '须先确认提示事项',
    'Warnings must be acknowledged first',
  ),
  EVIDENCE_INCOMPLETE: kind(
    409,
    'FAILED_PRECONDITION',
    'info',
    '证据文件尚未传完',
    'Evidence files are still incomplete',
  ),
  LIMIT_EXCEEDED: kind(422, 'RESOURCE_EXHAUSTED', 'info', '超出数量限制', 'A limit is exceeded'),
  NUMBER_TAKEN: kind(
    409,
    'ALREADY_EXISTS',
    'info',
    '文号已被使用或已作废',
    'The number belongs to another document, or was voided',
  ),
  NUMBER_PATTERN_MISSING: kind(
    409,
    'FAILED_PRECONDITION',
    'warning',
    '本机关尚未设定该类文书的文号格式',
    'The authority has set no pattern for numbers of this document',
  ),

  FILE_TOO_LARGE: kind(413, 'RESOURCE_EXHAUSTED', 'info', '文件过大', 'The file is too large'),
  UPLOAD_OFFSET_MISMATCH: kind(
    409,
    'ABORTED',
    'info',
    '上传位置不符，请从已收到处续传',
    'The upload stands elsewhere; go on from there',
  ),
  UPLOAD_IN_PROGRESS: kind(423, 'ABORTED', 'info', '该文件正在上传', 'The file is being uploaded already'),
  LENGTH_MISMATCH: kind(
    422,
    'INVALID_ARGUMENT',
    'info',
    '文件长度与申报不符',
    'The file has another length than announced',
  ),
  DIGEST_MISMATCH: kind(
    422,
    'DATA_LOSS',
    'warning',
    '文件校验值不符，须重新上传',
    'The file has another digest than announced; upload it again',
  ),
  BLOB_NOT_ANNOUNCED: kind(403, 'PERMISSION_DENIED', 'warning', '未经申报的文件', 'Nobody announced this file'),
  BLOB_MISSING: kind(409, 'FAILED_PRECONDITION', 'warning', '文件尚未到达', 'The file is not here'),

  PEER_UNKNOWN: kind(403, 'PERMISSION_DENIED', 'warning', '未知的节点', 'The node is unknown'),
  PEER_CERTIFICATE_REFUSED: kind(
    403,
    'UNAUTHENTICATED',
    'warning',
    '节点证书不被接受',
    'The node’s certificate is refused',
  ),
  AGREEMENT_MISSING: kind(
    422,
    'FAILED_PRECONDITION',
    'warning',
    '与对方没有互认协议',
    'There is no agreement with the other side',
  ),
  AGREEMENT_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '互认协议格式有误', 'The agreement is malformed'),
  AGREEMENT_SIGNATURE_INVALID: kind(
    422,
    'INVALID_ARGUMENT',
    'warning',
    '互认协议签名无效',
    'A signature of the agreement is invalid',
  ),
  AGREEMENT_NOT_IN_FORCE: kind(
    422,
    'FAILED_PRECONDITION',
    'warning',
    '互认协议未生效或已失效',
    'The agreement is not in force',
  ),
  AGREEMENT_UNKNOWN_VERSION: kind(
    422,
    'FAILED_PRECONDITION',
    'warning',
    '未知的互认协议版本',
    'This version of the agreement is unknown',
  ),
  AGREEMENT_SUPERSEDED: kind(
    409,
    'FAILED_PRECONDITION',
    'warning',
    '互认协议已有新版本生效，请按新版本重新移送',
    'A newer version of the agreement is in force; send again under it',
  ),
  AGREEMENT_FORKED: kind(
    409,
    'FAILED_PRECONDITION',
    'error',
    '互认协议出现分叉：同一版本号有两份不同文本',
    'The agreement has forked: two texts bear one version number',
  ),
  AGREEMENT_ROLLED_BACK: kind(
    409,
    'FAILED_PRECONDITION',
    'error',
    '互认协议版本低于本节点已有版本，拒绝回退',
    'The agreement is older than what this node has; it does not go back',
  ),
  AGREEMENT_VERSION_GAP: kind(
    409,
    'FAILED_PRECONDITION',
    'warning',
    '缺少互认协议的前一版本，请先导入',
    'The version before this one is missing; import it first',
  ),
  AUTHORITY_SUCCEEDED: kind(
    409,
    'FAILED_PRECONDITION',
    'warning',
    '该机关的职权已由承继机关行使',
    'Another authority has succeeded this one',
  ),
  CARD_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '节点名片格式有误', 'The node card is malformed'),
  CERTIFICATE_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '证书格式有误', 'The certificate is malformed'),
  CERTIFICATE_REFUSED: kind(422, 'PERMISSION_DENIED', 'warning', '证书不被接受', 'The certificate is refused'),
  KEY_UNUSABLE: kind(500, 'INTERNAL', 'error', '密钥无法使用', 'A key can’t be used'),
  CRL_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '证书吊销列表格式有误', 'The revocation list is malformed'),
  CRL_SIGNATURE_INVALID: kind(
    422,
    'PERMISSION_DENIED',
    'error',
    '证书吊销列表签名无效或签发者不受信任',
    'The revocation list is not signed by a trusted root',
  ),
  CRL_ROLLED_BACK: kind(
    409,
    'FAILED_PRECONDITION',
    'error',
    '证书吊销列表早于已有的列表',
    'The revocation list is older than the one at hand',
  ),
  REVOCATION_STALE: kind(
    503,
    'UNAVAILABLE',
    'warning',
    '对端的证书吊销列表已过期，须先更新',
    'The peer’s revocation list is out of date; a newer one must come first',
  ),
  CLOCK_SKEW: kind(
    503,
    'FAILED_PRECONDITION',
    'error',
    '两个节点的时钟相差过大',
    'The clocks of the two nodes are too far apart',
  ),
  TIMESTAMP_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '时间戳格式有误', 'The time-stamp is malformed'),
  TIMESTAMP_INVALID: kind(422, 'PERMISSION_DENIED', 'error', '时间戳未通过验证', 'The time-stamp is not valid'),
  TIMESTAMP_UNAVAILABLE: kind(
    503,
    'UNAVAILABLE',
    'warning',
    '时间戳服务均不可用',
    'No time-stamping authority answers',
  ),

  ENVELOPE_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '信封格式有误', 'The envelope is malformed'),
  ENVELOPE_SIGNATURE_INVALID: kind(
    422,
    'INVALID_ARGUMENT',
    'warning',
    '信封签名无效',
    'The envelope’s signature is invalid',
  ),
  ENVELOPE_SIGNER_UNKNOWN: kind(
    422,
    'PERMISSION_DENIED',
    'warning',
    '信封签发方未知',
    'The envelope’s signer is unknown',
  ),
  ENVELOPE_WRONG_ISSUER: kind(
    422,
    'PERMISSION_DENIED',
    'warning',
    '信封签发方与来源不符',
    'The envelope was issued by another node',
  ),
  ENVELOPE_WRONG_AUDIENCE: kind(
    422,
    'INVALID_ARGUMENT',
    'warning',
    '信封不是发给本节点的',
    'The envelope is for another node',
  ),
  ENVELOPE_EXPIRED: kind(422, 'FAILED_PRECONDITION', 'warning', '信封已过期', 'The envelope has expired'),
  ENVELOPE_FROM_FUTURE: kind(
    422,
    'FAILED_PRECONDITION',
    'warning',
    '信封时间晚于本节点时钟',
    'The envelope’s time lies ahead of this node’s clock',
  ),
  ENVELOPE_ALTERED: kind(422, 'ALREADY_EXISTS', 'warning', '同一编号的信封内容不同', 'Another envelope has this id'),
  ENVELOPE_SEQ_GAP: kind(409, 'OUT_OF_RANGE', 'warning', '信封序号不连续', 'Envelopes before this one are missing'),
  ENVELOPE_CHAIN_BROKEN: kind(422, 'DATA_LOSS', 'warning', '信封链不衔接', 'The envelope does not continue the chain'),
  MESSAGE_REFUSED: kind(
    422,
    'FAILED_PRECONDITION',
    'warning',
    '对方的办理消息不符合办理规则',
    'What the other side says is not what it may say now',
  ),
  MESSAGE_OUT_OF_TURN: kind(
    409,
    'OUT_OF_RANGE',
    'info',
    '办理消息先到，等待前一条',
    'A message came before the one that it follows',
  ),
  BUNDLE_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '证据包格式有误', 'The bundle is malformed'),
  BUNDLE_SIGNATURE_INVALID: kind(
    422,
    'INVALID_ARGUMENT',
    'warning',
    '证据包签名无效',
    'The bundle’s signature is invalid',
  ),
  BUNDLE_SIGNER_UNKNOWN: kind(
    422,
    'PERMISSION_DENIED',
    'warning',
    '证据包签章方未知',
    'The bundle’s signer is unknown',
  ),
  BUNDLE_DIGEST_MISMATCH: kind(
    422,
    'DATA_LOSS',
    'warning',
    '证据包内文件与清单不符',
    'A file differs from the bundle’s manifest',
  ),
  BUNDLE_FILE_MISSING: kind(422, 'FAILED_PRECONDITION', 'warning', '证据包缺少文件', 'A file of the bundle is missing'),
  LOG_MALFORMED: kind(422, 'INVALID_ARGUMENT', 'warning', '存证日志格式有误', 'The log’s data are malformed'),
  LOG_SIGNATURE_INVALID: kind(
    422,
    'INVALID_ARGUMENT',
    'warning',
    '检查点签名无效',
    'The checkpoint’s signature is invalid',
  ),
  LOG_PROOF_INVALID: kind(422, 'DATA_LOSS', 'warning', '存证证明不成立', 'The log’s proof does not hold'),
  LOG_INCONSISTENT: kind(422, 'DATA_LOSS', 'error', '存证日志前后不一致', 'The log contradicts its own past'),
  RECEIPT_INVALID: kind(422, 'DATA_LOSS', 'warning', '回执无效', 'The receipt is invalid'),

  CONFIG_INVALID: kind(500, 'FAILED_PRECONDITION', 'error', '节点设置有误', 'A setting of the node is wrong'),
  DATABASE_UNAVAILABLE: kind(503, 'UNAVAILABLE', 'error', '数据库暂不可用', 'The database is not available'),
  PEER_UNREACHABLE: kind(502, 'UNAVAILABLE', 'warning', '对方节点无法连接', 'The other node can’t be reached'),
  LEASE_LOST: kind(503, 'ABORTED', 'warning', '任务已由另一进程接管', 'Another process has taken over'),
  NOT_READY: kind(503, 'UNAVAILABLE', 'warning', '节点尚未就绪', 'The node is not ready'),
  INTERNAL: kind(500, 'INTERNAL', 'error', '内部错误', 'Internal error'),
} as const satisfies Record<ErrorCode, ErrorKind>;

/** One field that is wrong: an RFC 6901 pointer into the body, or `?name` for a query parameter. */
export interface FieldError {
  pointer: string;
  code: string;
}

/** VALIDATION_FAILED with every wrong field. */
export class ValidationError extends GatewayError {
  constructor(readonly errors: readonly FieldError[]) {
    super('VALIDATION_FAILED', {});
  }
}

/** RFC 9457 problem details, as every error answer of the HTTP API. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  params: ErrorParams;
  errors: readonly FieldError[];
  traceId: string;
}

/** @param language of the title: Chinese unless the request prefers English */
export function problemOf(error: GatewayError, traceId: string, language: 'zh' | 'en'): ProblemDetails {
  const { http, title } = errorKinds[error.code];
  // Nothing is said of what the caller can't help: it may describe the machine.
  const params = http === 500 ? {} : error.params;
  const { errors: _, ...shown } = params;
  return {
    type: `urn:jieqiao:error:${error.code}`,
    title: title[language],
    status: http,
    code: error.code,
    params: shown,
    errors: error.code === 'VALIDATION_FAILED' ? fieldErrorsOf(error) : [],
    traceId,
  };
}

/** Libraries name a wrong field by `pointer` and `rule` (of the JSON Schema), by `field`, or several as "pointer rule". */
function fieldErrorsOf(error: GatewayError): readonly FieldError[] {
  if (error instanceof ValidationError) return error.errors;
  const { errors, pointer, rule, field, reason } = error.params;
  if (Array.isArray(errors)) {
    return errors.map((text: string) => {
      const space = text.lastIndexOf(' ');
      return { pointer: text.slice(0, Math.max(0, space)), code: codeOfRule(text.slice(space + 1)) };
    });
  }
  if (pointer === undefined && field === undefined) return [];
  return [{ pointer: String(pointer ?? `/${String(field)}`), code: codeOfRule(String(rule ?? reason ?? 'invalid')) }];
}

const codesOfRules: Readonly<Record<string, string>> = {
  required: 'REQUIRED',
  additionalProperties: 'UNKNOWN_FIELD',
  type: 'WRONG_TYPE',
  minLength: 'TOO_SHORT',
  maxLength: 'TOO_LONG',
  pattern: 'WRONG_FORM',
  format: 'WRONG_FORM',
  nfc: 'WRONG_FORM',
  enum: 'NOT_ALLOWED',
  const: 'NOT_ALLOWED',
  minimum: 'OUT_OF_RANGE',
  maximum: 'OUT_OF_RANGE',
  minItems: 'TOO_FEW',
  minProperties: 'TOO_FEW',
  masked: 'MASK_UNKNOWN',
  'contradicts-id-number': 'CONTRADICTION',
  'statement-only': 'NOT_ALLOWED',
  'personal-data': 'PERSONAL_DATA',
  maxItems: 'TOO_MANY',
  uniqueItems: 'DUPLICATE',
  unique: 'DUPLICATE',
};

const codeOfRule = (rule: string) => codesOfRules[rule] ?? rule.replace(/[^A-Za-z0-9]/g, '_').toUpperCase();
