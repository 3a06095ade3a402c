// What the reader itself says, in the language of the page.

const CHINESE = {
  filter: '筛选：路径、名称或说明', nothing: '没有符合的接口', intro: '概述', webhooks: '推送通知（由服务器发出）',
  signIn: '登录', signOut: '退出', username: '用户名', password: '密码', token: '或粘贴令牌（access_token 或 gp_…）',
  signedInAs: '已登录：', tokenKept: '已使用粘贴的令牌', signInFailed: '登录失败：',
  open: '无需登录', bearer: '需要登录', service_key: '可用服务账号', ticket: '可用票据（?ticket=）',
  parameters: '参数', body: '请求体', optional: '可省略', required: '必填', send: '发送请求', sending: '正在发送…', responses: '响应',
  answer: '返回结果', noAnswer: '没有收到响应：', curl: 'curl 命令', file: '选择文件', codes: '错误码', example: '示例',
  path: '路径', query: '查询', header: '请求头', cookie: 'Cookie', form: '表单', oneOf: '以下之一', allOf: '同时满足', items: '每一项', anyKey: '任意键名',
  values: '取值', default: '默认', deprecated: '已弃用', empty: '（无内容）', binary: '二进制内容，', bytes: '字节', headers: '响应头',
  failed: '接口文档未能载入：', milliseconds: '毫秒', changesData: '此操作会修改数据。',
};

const ENGLISH = {
  filter: 'Filter by path, name or text', nothing: 'No operation matches', intro: 'Overview', webhooks: 'Webhooks (sent by the server)',
  signIn: 'Sign in', signOut: 'Sign out', username: 'Username', password: 'Password', token: 'or paste a token (access_token or gp_…)',
  signedInAs: 'Signed in: ', tokenKept: 'A pasted token is used', signInFailed: 'Signing in failed: ',
  open: 'no sign-in needed', bearer: 'sign-in needed', service_key: 'service accounts may', ticket: 'a ticket will do (?ticket=)',
  parameters: 'Parameters', body: 'Body', optional: 'may be left out', required: 'required', send: 'Send', sending: 'Sending…', responses: 'Responses',
  answer: 'Answer', noAnswer: 'There was no answer: ', curl: 'As curl', file: 'Choose a file', codes: 'Codes', example: 'Example',
  path: 'path', query: 'query', header: 'header', cookie: 'cookie', form: 'form', oneOf: 'one of', allOf: 'all of', items: 'each item', anyKey: 'any name',
  values: 'values', default: 'default', deprecated: 'deprecated', empty: '(empty)', binary: 'binary, ', bytes: 'bytes', headers: 'Headers',
  failed: 'The document could not be loaded: ', milliseconds: 'ms', changesData: 'This operation changes data.',
};

export const textsOf = (language) => (language === 'en' ? ENGLISH : CHINESE);
