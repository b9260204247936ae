// smoke.js SITE REPORT: opens python.html of the folder SITE in Chromium, types at Python's prompt, reads the answers from the
// terminal, and writes JUnit XML. There is no server, for there is no network: Chromium is asked to let this program answer every
// request, over the pipe that it is driven by.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawn } = require('child_process');

const [site, report] = process.argv.slice(2);
const origin = 'http://localhost/';
const types = { '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

const browser = spawn(process.env.CHROMIUM || 'chromium', [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking',
    '--remote-debugging-pipe', `--user-data-dir=${fs.mkdtempSync('/tmp/chromium-')}`,
], { stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'] });
browser.on('error', (error) => fail(`no Chromium: ${error.message}`));
browser.on('exit', (code) => fail(`Chromium ended with exit code ${code}`));

// The DevTools protocol: JSON messages that end in a zero byte.
const answers = new Map();
let received = '';
browser.stdio[4].on('data', (data) => {
    const messages = (received + data).split('\0');
    received = messages.pop();
    for (const message of messages.map(JSON.parse)) {
        if (message.id) {
            answers.get(message.id)(message);
            answers.delete(message.id);
        } else if (message.method === 'Fetch.requestPaused') {
            answer(message.sessionId, message.params);
        }
    }
});
let last = 0;
function call(method, params = {}, sessionId) {
    browser.stdio[3].write(JSON.stringify({ id: ++last, method, params, sessionId }) + '\0');
    return new Promise((resolve, reject) => answers.set(last, (message) => {
        message.error ? reject(new Error(`${method}: ${message.error.message}`)) : resolve(message.result);
    }));
}

// What a server of the folder would say, with the headers that shared memory wants.
const elsewhere = [];
function answer(session, { requestId, request }) {
    const file = path.join(site, new URL(request.url).pathname);
    if (!request.url.startsWith(origin)) {
        elsewhere.push(request.url);
        return call('Fetch.failRequest', { requestId, errorReason: 'NameNotResolved' }, session);
    }
    const headers = {
        'Content-Type': types[path.extname(file)] || 'application/octet-stream',
        'Cross-Origin-Embedder-Policy': 'require-corp',
        'Cross-Origin-Opener-Policy': 'same-origin',
    };
    const found = fs.existsSync(file);
    return call('Fetch.fulfillRequest', {
        requestId,
        responseCode: found ? 200 : 404,
        responseHeaders: Object.entries(headers).map(([name, value]) => ({ name, value })),
        body: found ? fs.readFileSync(file).toString('base64') : '',
    }, session);
}

// xterm draws on a canvas: its buffer is read through the terminal that the page makes.
const hook = `
let original;
Object.defineProperty(window, 'Terminal', {
    get() { return original; },
    set(Terminal) {
        original = class extends Terminal {
            constructor(...options) { super(...options); window.xterm = this; }
        };
    },
});`;
const screen = `window.xterm ? Array.from({ length: xterm.buffer.active.length },
    (_, line) => xterm.buffer.active.getLine(line).translateToString(true)).join('\\n').trimEnd() : 'no terminal'`;

const cases = [];
function check(name, right, seen) {
    cases.push({ name, right, seen });
    console.log(`${right ? 'ok    ' : 'FAILED'} ${name}${right ? '' : `: ${seen}`}`);
}

async function main() {
    const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
    const page = (method, params) => call(method, params, sessionId);
    const evaluate = async (expression) => {
        const { result, exceptionDetails } = await page('Runtime.evaluate', { expression, returnByValue: true });
        if (exceptionDetails) {
            throw new Error(`${expression}: ${result.description}`);
        }
        return result.value;
    };
    const until = async (what, expression) => {
        for (let tries = 0; tries < 1200; tries++) {
            if (await evaluate(expression)) {
                return;
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        throw new Error(`waited two minutes for ${what}; the terminal shows:\n${await evaluate(screen)}`);
    };
    const prompts = (count) => until(`prompt ${count}`, `(${screen}).split('>>>').length > ${count}`);
    let typed = 0;
    const type = async (line) => {
        await prompts(++typed);
        const before = await evaluate(screen);
        await evaluate(`xterm._core.coreService.triggerDataEvent(${JSON.stringify(`${line}\r`)}, true)`);
        await prompts(typed + 1);
        return (await evaluate(screen)).slice(before.length);
    };

    await page('Page.enable');
    await page('Fetch.enable', { patterns: [{ urlPattern: '*' }] });
    await page('Page.addScriptToEvaluateOnNewDocument', { source: hook });
    await page('Page.navigate', { url: `${origin}python.html` });
    await until('the page', "document.getElementById('repl') !== null && !document.getElementById('repl').disabled");
    check('cross-origin isolated', await evaluate('crossOriginIsolated'), 'crossOriginIsolated is false');
    await evaluate("document.getElementById('repl').click()");

    const expect = async (line, pattern) => {
        const shown = await type(line);
        check(line, pattern.test(shown), shown);
    };
    await expect('print(1+1)', /\n2\n/);
    await expect('import json, zlib', /^[^\n]*\n>>>$/);
    await expect('json.loads("[1]"), zlib.decompress(zlib.compress(b"x"))', /\n\(\[1\], b'x'\)\n/);
    await expect('import sys; sys.platform', /\n'emscripten'\n/);
    await expect('1 +', /\nSyntaxError: invalid syntax\n/);
    check('nothing from elsewhere', elsewhere.length === 0, elsewhere.join(' '));
}

function escape(text) {
    return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
function finish() {
    const failed = cases.filter(({ right }) => !right);
    const rows = cases.map(({ name, right, seen }) => right
        ? `<testcase classname="browser" name="${escape(name)}"/>`
        : `<testcase classname="browser" name="${escape(name)}"><failure>${escape(String(seen))}</failure></testcase>`);
    fs.writeFileSync(report, `<testsuite name="browser" tests="${cases.length}" failures="${failed.length}">\n${rows.join('\n')}\n</testsuite>\n`);
    browser.removeAllListeners('exit');
    browser.kill('SIGKILL');
    process.exit(failed.length === 0 ? 0 : 1);
}
function fail(message) {
    check('the page', false, elsewhere.length === 0 ? message : `${message}\nit asked for ${elsewhere.join(' ')}`);
    finish();
}

main().then(finish, (error) => fail(error.message));
