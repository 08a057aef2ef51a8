// JSON Schemas of the carriers, made at run time from the type declarations of the installed client.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv';
import ts from 'typescript';

const require = createRequire(import.meta.url);
/** A file of declarations, as a tree. */
const parse = (file) => {
  const path = require.resolve(`@superoffice/webapi/${file}`);
  return ts.createSourceFile(file, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
};
const interfaces = new Map();
const enums = new Map();
for (const node of parse('Carriers.d.ts').statements) {
  if (ts.isInterfaceDeclaration(node)) interfaces.set(node.name.text, node);
}
for (const node of parse('Enums.d.ts').statements) {
  if (ts.isEnumDeclaration(node)) enums.set(node.name.text, node.members.map((member) => member.name.text));
}

/** The spelling on the wire: the client's name with a capital letter. */
const pascal = (name) => name[0].toUpperCase() + name.slice(1);
const nullable = (schema) => ({ anyOf: [schema, { type: 'null' }] });

/** Either spelling of the types: `wire` is exact and complete, the client's own may leave out and decode. */
function build(wire) {
  const defs = {};
  const reference = (name) => {
    if (!(name in defs)) {
      defs[name] = {};
      defs[name] = carrier(name);
    }
    return { $ref: `#/$defs/${name}` };
  };
  function members(node) {
    if (node === undefined) return [];
    const inherited = (node.heritageClauses ?? []).flatMap((clause) => clause.types).map((type) => type.expression.getText().replace(/^\w+\./, ''));
    return [...inherited.flatMap((name) => members(interfaces.get(name))), ...node.members];
  }
  function carrier(name) {
    const all = members(interfaces.get(name));
    const index = all.find(ts.isIndexSignatureDeclaration);
    if (index) return { type: 'object', additionalProperties: kind(index.type) };
    const properties = {};
    for (const member of all.filter(ts.isPropertySignature)) {
      properties[wire ? pascal(member.name.getText()) : member.name.getText()] = kind(member.type);
    }
    return { type: 'object', properties, additionalProperties: false, required: wire ? Object.keys(properties) : [] };
  }
  function kind(type) {
    switch (type.kind) {
      case ts.SyntaxKind.NumberKeyword: return wire ? { type: 'number' } : nullable({ type: 'number' });
      case ts.SyntaxKind.BooleanKeyword: return wire ? { type: 'boolean' } : nullable({ type: 'boolean' });
      case ts.SyntaxKind.StringKeyword: return nullable({ type: 'string' });
      case ts.SyntaxKind.AnyKeyword: return {};
      case ts.SyntaxKind.ArrayType: return nullable({ type: 'array', items: kind(type.elementType) });
      default:
    }
    const name = type.getText().replace(/^\w+\./, '');
    if (name === 'Date') return wire ? { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d' } : nullable({ type: 'string' });
    if (enums.has(name)) {
      const one = `(${enums.get(name).join('|')})`;
      return wire ? { type: 'string', pattern: `^${one}(, ${one})*$` } : nullable({ type: ['string', 'number'] });
    }
    if (interfaces.has(name)) return nullable(reference(name));
    return {};
  }
  const ajv = new Ajv({ strict: false, allErrors: true });
  const known = new Map();
  return (name) => {
    if (!known.has(name)) {
      const root = reference(name);
      // References are gathered before the schema is compiled.
      known.set(name, ajv.compile({ ...root, $defs: structuredClone(defs) }));
    }
    return known.get(name);
  };
}

const onWire = build(true);
const decoded = build(false);

function violations(check, value, where) {
  if (check(value)) return [];
  return check.errors.filter((error) => error.keyword !== 'anyOf' && !(error.keyword === 'type' && error.params.type === 'null'))
    .slice(0, 12).map((error) => `${where}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
}

/** What is wrong with an answer's raw body. `shape` is a carrier, or a list of one carrier. */
export function wrongOnWire(shape, body, isRest) {
  if (Array.isArray(shape)) {
    if (!Array.isArray(body)) return ['the body is no list'];
    return body.flatMap((item) => wrongOnWire(shape[0], item, isRest)).slice(0, 4);
  }
  if (body === null || typeof body !== 'object') return ['the body is no object'];
  const { _Links: links, ...rest } = body;
  const wrong = violations(onWire(shape), rest, 'wire ');
  if (links !== undefined && !isRest) wrong.push('an agent sent _Links');
  return wrong;
}

/** What is wrong with what the client made of it. */
export function wrongDecoded(shape, value) {
  if (Array.isArray(shape)) return value.flatMap((item) => wrongDecoded(shape[0], item)).slice(0, 4);
  return violations(decoded(shape), JSON.parse(JSON.stringify(value)), 'client ');
}
