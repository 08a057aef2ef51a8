// Rows: through the Archive agent and through raw OData.
import assert from 'node:assert/strict';

export default async function archive({ call, raw }) {
  const rows = { shape: ['ArchiveListItem'] };
  const agent = (c) => c('ArchiveAgent');
  const ascending = [{ name: 'contactId', direction: 'ASC' }];
  const keys = (list) => list.map((row) => row.primaryKey);
  const ask = (columns, order, restriction, page, size) => (c) => agent(c).getArchiveListByColumnsAsync('FindContact', columns, order, restriction, ['contact'], page, size);
  const ten = await call('ArchiveAgent.getArchiveListByColumnsAsync', 'agent', rows, ask(['contactId', 'name'], ascending, [], 0, 10), (got) => {
    assert.equal(got.length, 10);
    assert.deepEqual(keys(got), [...keys(got)].sort((a, b) => a - b));
    assert.equal(got[0].columnData.contactId.displayValue, `[I:${got[0].primaryKey}]`);
  });
  await call('ArchiveAgent.getArchiveListByColumnsAsync(page)', 'agent', rows, ask(['contactId'], ascending, [], 1, 5), (got) => assert.deepEqual(keys(got), keys(ten).slice(5)));
  await call('ArchiveAgent.getArchiveListByColumnsAsync(descending)', 'agent', rows, ask(['contactId'], [{ name: 'contactId', direction: 'DESC' }], [], 0, 5), (got) => assert.deepEqual(keys(got), [...keys(got)].sort((a, b) => b - a)));
  const above = [{ name: 'contactId', operator: '>', values: [String(ten[4].primaryKey)], isActive: true }];
  await call('ArchiveAgent.getArchiveListByColumnsAsync(restriction)', 'agent', rows, ask(['contactId'], ascending, above, 0, 5), (got) => assert.deepEqual(keys(got), keys(ten).slice(5)));
  await call('ArchiveAgent.getArchiveListByColumnsAsync(not active)', 'agent', rows, ask(['contactId'], ascending, [{ ...above[0], isActive: false }], 0, 10), (got) => assert.deepEqual(keys(got), keys(ten)));
  const exact = [{ name: 'name', operator: 'is', values: [ten[2].columnData.name.displayValue], isActive: true }];
  await call('ArchiveAgent.getArchiveListByColumnsAsync(text)', 'agent', rows, ask(['name'], ascending, exact, 0, 5), (got) => assert.ok(keys(got).includes(ten[2].primaryKey)));
  await call('ArchiveAgent.getArchiveListByColumns2Async', 'agent', rows, (c) => agent(c).getArchiveListByColumns2Async('FindContact', 'contactId,name', 'contactId asc', `contactId gt ${ten[4].primaryKey}`, 'contact', 0, 5), (got) => assert.deepEqual(keys(got), keys(ten).slice(5)));
  await call('ArchiveAgent.getArchiveListByColumnsAsync(users)', 'agent', rows, (c) => agent(c).getArchiveListByColumnsAsync('InternalUsers', ['fullName', 'associateDbId'], [{ name: 'associateDbId', direction: 'ASC' }], [{ name: 'associateDbId', operator: '>', values: ['0'], isActive: true }], ['all'], 0, 100), (got) => assert.ok(got.length > 0));
  await call('ArchiveAgent.getProviderNamesAsync', 'agent', {}, (c) => agent(c).getProviderNamesAsync(), (got) => ['FindContact', 'Person', 'InternalUsers'].forEach((name) => assert.ok(got.includes(name))));
  const columns = await call('ArchiveAgent.getAvailableColumnsAsync', 'agent', { shape: ['ArchiveColumnInfo'] }, (c) => agent(c).getAvailableColumnsAsync('FindContact', ''), (got) => {
    assert.ok(got.some((one) => one.name === 'contactId'));
    assert.ok(got.some((one) => one.name === 'contactUdef/SuperOffice:1'));
  });
  const asked = columns.map((one) => one.name);
  await call('ArchiveAgent.getArchiveListByColumnsAsync(every column)', 'agent', rows, ask(asked, ascending, [], 0, 3), (got) => assert.deepEqual(Object.keys(got[0].columnData).sort(), [...asked].sort()));
  await call('ArchiveAgent.getAvailableEntitiesAsync', 'agent', { shape: ['MDOListItem'] }, (c) => agent(c).getAvailableEntitiesAsync('FindContact', ''), (got) => assert.deepEqual(got.map((one) => one.type), ['contact']));
  const first = ten[0].primaryKey;
  await call('GET Contact?$select,$filter', 'raw', {}, raw(`Contact?$select=contactId,name&$filter=${encodeURIComponent(`contactId eq ${first}`)}`), (got) => {
    assert.equal(got.value.length, 1);
    assert.equal(got.value[0].PrimaryKey, String(first));
    assert.equal(got.value[0].contactId, first);
  });
  await call('GET Contact?$mode=Full', 'raw', {}, raw(`Contact?$select=name,category&$filter=${encodeURIComponent(`contactId eq ${first}`)}&$mode=Full`), (got) => {
    assert.equal(got.value[0].PrimaryKey, first);
    assert.equal(typeof got.value[0].Column.category.RawValue, 'number');
  });
  await call('GET Contact?$filter (nothing)', 'raw', {}, raw(`Contact?$select=contactId&$filter=${encodeURIComponent('contactId eq 99999999')}`), (got) => assert.deepEqual(got.value, []));
  await call('GET Archive/FindContact', 'raw', {}, raw('Archive/FindContact?$select=contactId&$top=3&$orderby=contactId'), (got) => assert.deepEqual(got.value.map((row) => row.contactId), keys(ten).slice(0, 3)));
  await call('GET Person?$select', 'raw', {}, raw('Person?$select=personId,firstName,lastName&$top=2'), (got) => assert.equal(got.value.length, 2));
}
