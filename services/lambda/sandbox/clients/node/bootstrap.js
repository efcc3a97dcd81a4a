// The runtime client for Node.js: asks Lambda's Runtime API for events and
// calls the handler with them. It uses Node's own modules alone.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');
const url = require('url');
const util = require('util');

const env = process.env;
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':');
// One connection that is kept; it does not hold the event loop while it is idle.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

let requestId = ''; // of the invocation that is running

/** Sends one request; resolves to its headers and body. A readable body is streamed. */
function call(method, target, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = { ...headers };
    const streamed = body && typeof body.pipe === 'function';
    if (method === 'POST' && !streamed) sent['Content-Length'] = Buffer.byteLength(body);
    const request = http.request({ host, port, agent, method, path: '/2018-06-01/runtime/' + target, headers: sent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
      response.on('error', reject);
    });
    request.setNoDelay(true);
    request.on('error', reject);
    if (streamed) body.pipe(request);
    else request.end(body);
  });
}

/** An error of the function's package, with the name that Lambda gives it. */
class Fault extends Error {
  constructor(name, message, cause) {
    super(message);
    this.name = name;
    if (cause && cause.stack) this.stack = cause.stack;
  }
}

// Logs

function log(level, args) {
  // A line end within a message is a carriage return in the log, which keeps the message one event.
  const text = util.format(...args).replace(/\n/g, '\r');
  process.stdout.write(`${new Date().toISOString()}\t${requestId || 'undefined'}\t${level}\t${text}\n`);
}

function patchConsole() {
  for (const [method, level] of Object.entries({ log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', debug: 'DEBUG', trace: 'TRACE', fatal: 'FATAL' })) {
    console[method] = (...args) => log(level, args);
  }
}

// Errors

function describe(error) {
  if (error instanceof Error || (error && typeof error.stack === 'string')) {
    return { errorType: error.name || 'Error', errorMessage: error.message, trace: String(error.stack).split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function logError(title, error) {
  const { errorType, errorMessage, trace } = describe(error);
  const own = error && typeof error === 'object' ? Object.fromEntries(Object.entries(error)) : {};
  log('ERROR', [`${title} \t${JSON.stringify({ errorType, errorMessage, ...own, stack: trace })}`]);
}

function report(target, error) {
  const body = describe(error);
  return call('POST', target, JSON.stringify(body), {
    'Content-Type': 'application/json',
    'Lambda-Runtime-Function-Error-Type': body.errorType,
  });
}

/** Reports what nobody caught, then ends, as an exception that nobody catches does. */
function fatal(error) {
  logError('Uncaught Exception', error);
  const target = requestId ? `invocation/${requestId}/error` : 'init/error';
  report(target, error).finally(() => process.exit(129));
}

// Handlers

const exists = (file) => fs.existsSync(file) && fs.statSync(file).isFile();

/** Whether the package.json nearest to a .js file makes it an ES module. */
function isModule(file) {
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const manifest = path.join(dir, 'package.json');
    if (exists(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    if (dir === path.dirname(dir)) return false;
  }
}

async function loadModule(root, name) {
  const base = path.resolve(root, name);
  if (exists(base + '.js')) {
    return isModule(base + '.js') ? import(url.pathToFileURL(base + '.js').href) : require(base + '.js');
  }
  if (exists(base + '.mjs')) return import(url.pathToFileURL(base + '.mjs').href);
  if (exists(base + '.cjs')) return require(base + '.cjs');
  // A directory, or a module of a layer or the runtime.
  if (fs.existsSync(base)) return require(base);
  return require(require.resolve(name, { paths: [root, ...(env.NODE_PATH || '').split(':').filter(Boolean)] }));
}

/** Finds the handler: "module.function", "dir/module.function", "module.object.function". */
async function load(root, handler) {
  const file = path.basename(handler);
  const match = /^([^.]*)\.(.*)$/.exec(file);
  if (!match || handler.includes('..')) throw new Fault('Runtime.MalformedHandlerName', `Bad handler`);
  const name = path.join(path.dirname(handler), match[1]);
  let module;
  try {
    module = await loadModule(root, name);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Fault('Runtime.UserCodeSyntaxError', String(error), error);
    if (error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND')) {
      throw new Fault('Runtime.ImportModuleError', String(error), error);
    }
    throw error;
  }
  const find = (from) => match[2].split('.').reduce((value, key) => value && value[key], from);
  const found = find(module) || (module.default && find(module.default));
  if (!found) throw new Fault('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof found !== 'function') throw new Fault('Runtime.HandlerNotFound', `${handler} is not a function`);
  return found;
}

// Response streams

const { PassThrough } = require('stream');
const STREAMING = Symbol('streaming');

globalThis.awslambda = {
  /** Marks a handler that writes its response to a stream. */
  streamifyResponse(handler, options) {
    handler[STREAMING] = options || {};
    return handler;
  },
  HttpResponseStream: {
    /** Puts the status and headers of an HTTP response before its body. */
    from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.write(JSON.stringify(prelude));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

async function invokeStreaming(handler, event, context) {
  const stream = new PassThrough();
  const headers = { 'Content-Type': 'application/octet-stream', 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Transfer-Encoding': 'chunked' };
  stream.setContentType = (type) => { headers['Content-Type'] = type; };
  // The headers are sent with the first byte, so that the handler can set them until then.
  const begun = new Promise((resolve) => stream.once('readable', resolve));
  const ended = new Promise((resolve) => stream.once('finish', resolve));
  const returned = Promise.resolve(handler(event, stream, context));
  await Promise.race([begun, ended, returned]);
  const response = call('POST', `invocation/${context.awsRequestId}/response`, stream, headers);
  await returned;
  if (!stream.writableEnded) await ended;
  await response;
}

// Invocations

function makeContext(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const parse = (text) => (text ? JSON.parse(text) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    clientContext: parse(headers['lambda-runtime-client-context']),
    identity: parse(headers['lambda-runtime-cognito-identity']),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

// What to do once the event loop has nothing left to do, during an invocation.
let whenIdle = null;
process.on('beforeExit', () => {
  const act = whenIdle;
  whenIdle = null;
  if (act) act();
});

/** Calls a handler of either style; resolves to its result. */
function invoke(handler, event, context) {
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (act, wait) => {
      if (settled) return;
      settled = true;
      whenIdle = wait ? act : null;
      if (!wait) act();
    };
    const callback = (error, result) => {
      if (error !== null && error !== undefined) settle(() => reject(error), false);
      else settle(() => resolve(result), context.callbackWaitsForEmptyEventLoop);
    };
    context.done = callback;
    context.succeed = (result) => settle(() => resolve(result), false);
    context.fail = (error) => settle(() => reject(error), false);
    // A handler that leaves nothing to wait for, and no result, responds with null.
    whenIdle = () => resolve(null);
    const returned = handler(event, context, callback);
    if (returned && typeof returned.then === 'function') {
      returned.then(context.succeed, context.fail);
    }
  });
}

async function serve(handler) {
  for (;;) {
    const next = await call('GET', 'invocation/next');
    const context = makeContext(next.headers);
    requestId = context.awsRequestId;
    env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'] || '';
    try {
      const event = JSON.parse(next.body.toString());
      if (handler[STREAMING]) {
        await invokeStreaming(handler, event, context);
        continue;
      }
      const result = await invoke(handler, event, context);
      const body = JSON.stringify(result === undefined ? null : result);
      await call('POST', `invocation/${requestId}/response`, body === undefined ? 'null' : body, { 'Content-Type': 'application/json' });
    } catch (error) {
      logError('Invoke Error', error);
      await report(`invocation/${requestId}/error`, error);
    }
  }
}

async function main() {
  patchConsole();
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', (reason) => fatal(new Fault('Runtime.UnhandledPromiseRejection', String(reason), reason)));
  let handler;
  try {
    handler = await load(env.LAMBDA_TASK_ROOT, env._HANDLER);
  } catch (error) {
    logError('Uncaught Exception', error);
    await report('init/error', error);
    process.exit(1);
  }
  // A line to the server that is down ends the sandbox.
  await serve(handler).catch(() => process.exit(0));
}

main();
