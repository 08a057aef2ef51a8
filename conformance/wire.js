// A proxy between the client and the emulator: it keeps what went over the wire, and spoils answers when told to.
import http from 'node:http';

/** Walks through a JSON value and lets `change` alter each object. */
function each(value, change) {
  if (Array.isArray(value)) return value.map((inner) => each(inner, change));
  if (value === null || typeof value !== 'object') return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, old]) => [key, each(old, change)]));
  return change(inner) ?? inner;
}

/** Alters the body of an answer. */
const inBody = (change, where = () => true) => (exchange) => {
  if (exchange.body !== undefined && exchange.status === 200 && where(exchange)) exchange.body = each(exchange.body, change);
};

/** What can be spoiled, by name. */
export const SABOTAGES = {
  'camel-case': inBody((object) => {
    if (!('OrgNr' in object)) return undefined;
    const { OrgNr, ...rest } = object;
    return { ...rest, orgNr: OrgNr };
  }),
  'created-201': (exchange) => {
    if (exchange.method === 'POST' && /\/v1\/(Contact|Person)\/?$/i.test(exchange.path)) exchange.status = 201;
  },
  'null-for-404': (exchange) => {
    if (exchange.status === 404 && !/\/Agents\//i.test(exchange.path)) Object.assign(exchange, { status: 200, body: null });
  },
  'dropped-property': inBody((object) => {
    if ('Persons' in object) delete object.Department;
  }),
  'text-key': inBody((object) => {
    if ('ColumnData' in object) object.PrimaryKey = String(object.PrimaryKey);
  }, (exchange) => /\/Agents\/Archive\//i.test(exchange.path)),
  'lost-field': inBody((object) => {
    for (const name of ['CustomFields', 'UserDefinedFields']) {
      for (const key of Object.keys(object[name] ?? {})) {
        if (object[name][key] === 'kept by the test') object[name][key] = '';
      }
    }
  }),
  'wrong-state': inBody((object) => {
    if (object.State === 'Stopped') object.State = 'Active';
  }),
};

/** Starts the proxy before `target` (an origin). */
export async function proxy(target, spoil) {
  const seen = [];
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { hostname, port } = new URL(target);
    const headers = { ...incoming.headers, host: `${hostname}:${port}` };
    const forward = http.request({ hostname, port, path: incoming.url, method: incoming.method, headers }, async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      const text = Buffer.concat(parts).toString();
      const exchange = { method: incoming.method, path: incoming.url.split('?')[0], url: incoming.url, sent: Buffer.concat(chunks).toString(), status: answer.statusCode };
      if (/json/.test(answer.headers['content-type'] ?? '') && text !== '') exchange.body = JSON.parse(text);
      spoil?.(exchange);
      seen.push(exchange);
      const reply = exchange.body === undefined ? text : JSON.stringify(exchange.body);
      const type = answer.headers['content-type'];
      outgoing.writeHead(exchange.status, type ? { 'content-type': type } : {});
      outgoing.end(exchange.status === 304 || exchange.status === 204 ? undefined : reply);
    });
    forward.on('error', () => outgoing.destroy());
    forward.end(Buffer.concat(chunks));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, seen, close: () => server.closeAllConnections() ?? server.close() };
}

/** A webhook's target that says yes to everything. */
export async function receiver() {
  const got = [];
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    got.push(Buffer.concat(chunks).toString());
    outgoing.writeHead(200).end('ok');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/hook`, got, close: () => server.closeAllConnections() ?? server.close() };
}
