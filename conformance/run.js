// Drives the vendor's client against the emulator; see README.md.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import archive from './calls/archive.js';
import entities from './calls/entities.js';
import others from './calls/others.js';
import webhooks from './calls/webhooks.js';
import { emulator } from './emulator.js';
import { wrongDecoded, wrongOnWire } from './schema.js';
import { SABOTAGES, proxy, receiver } from './wire.js';

const require = createRequire(import.meta.url);
const load = (name) => require(`@superoffice/webapi/${name}.js`)[name];

async function all(sabotage) {
  const started = await emulator();
  const api = new URL(started.api_url);
  const between = await proxy(api.origin, SABOTAGES[sabotage]);
  const target = await receiver();
  const baseUrl = between.origin + api.pathname.replace(/\/api\/?$/, '');
  const options = (headers = { Authorization: `Bearer ${started.access_token}` }) => ({ baseUrl, axiosConfig: { headers } });
  const make = (name, headers) => new (load(name))(options(headers));
  const WebApiBase = load('WebApiBase');
  const rows = [];

  /** One call. `shape` is the carrier of the answer, a list of one, or nothing; `status` what is expected. */
  async function call(name, kind, { shape, status = 200, headers }, act, check = () => {}) {
    const from = between.seen.length;
    const row = { name, kind, wrong: [] };
    rows.push(row);
    let result;
    try {
      result = await act((client) => make(client, headers));
    } catch (error) {
      if (status < 300) row.wrong.push(String(error.response?.data ? `${error.message} ${JSON.stringify(error.response.data)}` : error.message).slice(0, 200));
    }
    const exchange = between.seen.slice(from).at(-1);
    if (!exchange) row.wrong.push('nothing was sent');
    else if (exchange.status !== status) row.wrong.push(`status ${exchange.status}, not ${status}`);
    if (row.wrong.length > 0) return result;
    if (shape) row.wrong.push(...wrongOnWire(shape, exchange.body, kind === 'REST'), ...wrongDecoded(shape, result));
    try {
      await check(result, exchange);
    } catch (error) {
      row.wrong.push(`meaning: ${error.message.split('\n').slice(0, 6).join(' ').slice(0, 240)}`);
    }
    return result;
  }

  /** A raw request through the client's base class. */
  const raw = (path, method = 'get', body) => (client) => {
    const base = client('WebApiBase');
    const config = WebApiBase.GetAxiosRequestConfig(undefined, base._options);
    const url = `${baseUrl}/api/v1/${path}`;
    const request = method === 'get' ? base._axios.get(url, config) : base._axios[method](url, body, config);
    return request.then((answer) => answer.data);
  };

  const world = { call, raw, target, started };
  for (const part of [entities, webhooks, others, archive]) {
    try {
      await part(world);
    } catch (error) {
      rows.push({ name: part.name, kind: 'part', wrong: [`broke off: ${error.message}`] });
    }
  }
  between.close();
  target.close();
  await started.end();
  return rows;
}

const [flag, name] = process.argv.slice(2);
if (flag === '--sabotages') {
  let missed = 0;
  const names = Object.keys(SABOTAGES);
  for (const sabotage of names) {
    const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--sabotage', sabotage], { encoding: 'utf8' });
    const count = /^\d+ passed, (\d+) failed$/m.exec(stdout)?.[1];
    const noticed = status !== 0 && Number(count) > 0;
    missed += noticed ? 0 : 1;
    console.log(`${sabotage.padEnd(20)} ${noticed ? `noticed by ${count} calls` : 'NOT NOTICED'}`);
  }
  console.log(`${names.length - missed} noticed, ${missed} missed`);
  process.exit(missed === 0 ? 0 : 1);
}
if (flag !== undefined && (flag !== '--sabotage' || !(name in SABOTAGES))) {
  console.error(`usage: node run.js [--sabotages | --sabotage ${Object.keys(SABOTAGES).join('|')}]`);
  process.exit(2);
}
const rows = await all(name);
const width = Math.max(...rows.map((row) => row.name.length));
for (const row of rows) {
  console.log(`${row.name.padEnd(width)}  ${row.kind.padEnd(5)}  ${row.wrong.length === 0 ? 'ok' : `FAILED  ${row.wrong.join('; ')}`}`);
}
const failed = rows.filter((row) => row.wrong.length > 0).length;
// What stands in parentheses tells uses of one method apart.
const methods = new Set(rows.filter((row) => row.kind !== 'raw').map((row) => row.name.replace(/\(.*/, '')));
console.log(`${methods.size} methods of the client, ${rows.filter((row) => row.kind === 'raw').length} raw requests`);
console.log(`${rows.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
