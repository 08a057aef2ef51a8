// Companies and persons: through the REST classes and through the agents.
import assert from 'node:assert/strict';

const KEPT = 'kept by the test';

export default async function entities({ call, raw }) {
  const contact = { shape: 'ContactEntity' };
  const person = { shape: 'PersonEntity' };
  const layout = await call('GET Contact/UdefLayout', 'raw', {}, raw('Contact/UdefLayout'), (got) => assert.ok(got.length > 0));
  const FIELD = layout.find((field) => /Text$/.test(field.FieldType) && !field.IsReadOnly).ProgId;
  const blank = await call('ContactRestApi.getDefaultAsync', 'REST', contact, (c) => c('ContactRestApi').getDefaultAsync(), (got) => assert.equal(got.contactId, 0));
  let made = await call('ContactRestApi.postAsync', 'REST', contact, (c) => c('ContactRestApi').postAsync({ ...blank, name: 'Probe Mill GmbH', department: 'North', urls: [{ value: 'https://probe-mill.example' }] }), (got, wire) => {
    assert.ok(got.contactId > 0);
    assert.equal(got.name, 'Probe Mill GmbH');
    assert.ok(wire.path.endsWith('/Contact/'));
    assert.match(wire.sent, /"department":"North"/);
    assert.equal(typeof JSON.parse(wire.sent).tableRight.mask, 'number');
  });
  const id = made.contactId;
  await call('ContactRestApi.getByIdAsync', 'REST', contact, (c) => c('ContactRestApi').getByIdAsync(id), (got, wire) => {
    assert.equal(got.department, 'North');
    assert.equal(got.urls[0].value, 'https://probe-mill.example');
    assert.ok('_Links' in wire.body);
  });
  made = await call('ContactRestApi.putByIdAsync', 'REST', contact, (c) => c('ContactRestApi').putByIdAsync(id, { ...made, department: 'South', customFields: { [FIELD]: KEPT } }), (got) => {
    assert.equal(got.department, 'South');
    assert.equal(got.customFields[FIELD], KEPT);
  });
  await call('ContactRestApi.getByIdAsync(fields kept)', 'REST', contact, (c) => c('ContactRestApi').getByIdAsync(id), (got) => {
    assert.equal(got.customFields[FIELD], KEPT);
    assert.equal(got.userDefinedFields[FIELD], KEPT);
  });
  await call('ContactRestApi.patchByIdAsync(merge)', 'REST', contact, (c) => c('ContactRestApi').patchByIdAsync(id, { department: 'East' }), (got) => assert.equal(got.department, 'East'));
  await call('ContactRestApi.patchByIdAsync(steps)', 'REST', contact, (c) => c('ContactRestApi').patchByIdAsync(id, [{ op: 'replace', path: 'Department', value: 'West' }]), (got) => assert.equal(got.department, 'West'));
  await call('ContactRestApi.patchByIdAsync(test fails)', 'REST', { status: 409 }, (c) => c('ContactRestApi').patchByIdAsync(id, [{ op: 'test', path: 'Department', value: 'Nowhere' }]), (_, wire) => assert.equal(wire.body.Error, true));
  await call('ContactRestApi.patchByIdAsync(unknown)', 'REST', { status: 404 }, (c) => c('ContactRestApi').patchByIdAsync(99999999, { department: 'x' }), isNotFound);
  await call('ContactRestApi.getByIdAsync(unknown)', 'REST', { status: 404 }, (c) => c('ContactRestApi').getByIdAsync(99999999), isNotFound);
  await call('ContactRestApi.getByIdAsync(ifModifiedSince)', 'REST', { status: 304 }, (c) => c('ContactRestApi').getByIdAsync(id, { ifModifiedSince: new Date(Date.now() + 60_000) }));
  await call('ContactRestApi.putByIdAsync(ifUnmodifiedSince)', 'REST', { status: 412 }, (c) => c('ContactRestApi').putByIdAsync(id, made, { ifUnmodifiedSince: new Date('2001-01-01') }));
  await call('GET Contact/{id} without Authorization', 'raw', { status: 401, headers: {} }, raw(`Contact/${id}`));
  await call('GET Contact/{id}?$select', 'raw', {}, raw(`Contact/${id}?$select=Name`), (got) => {
    assert.equal(got.Name, 'Probe Mill GmbH');
    assert.equal(got.Department, null);
    assert.ok('Persons' in got);
  });
  await call('GET Contact/{id}/Simple', 'raw', {}, raw(`Contact/${id}/Simple`), (got) => {
    assert.equal(got.URL, 'https://probe-mill.example');
    assert.equal(got.FullName, 'Probe Mill GmbH, West');
  });

  await call('ContactAgent.createDefaultContactEntityAsync', 'agent', contact, (c) => c('ContactAgent').createDefaultContactEntityAsync(), (got) => assert.equal(got.contactId, 0));
  const second = await call('ContactAgent.saveContactEntityAsync(new)', 'agent', contact, (c) => c('ContactAgent').saveContactEntityAsync({ ...blank, name: 'Probe Forge AG' }), (got) => assert.ok(got.contactId > id));
  await call('ContactAgent.saveContactEntityAsync(change)', 'agent', contact, (c) => c('ContactAgent').saveContactEntityAsync({ ...second, orgNr: 'DE 0815' }), (got) => {
    assert.equal(got.contactId, second.contactId);
    assert.equal(got.orgNr, 'DE 0815');
  });
  await call('ContactAgent.getContactEntityAsync', 'agent', contact, (c) => c('ContactAgent').getContactEntityAsync(second.contactId), (got) => assert.equal(got.orgNr, 'DE 0815'));
  await call('ContactAgent.getContactEntityAsync(unknown)', 'agent', {}, (c) => c('ContactAgent').getContactEntityAsync(99999999), isNull);
  await call('ContactAgent.getContactAsync', 'agent', { shape: 'Contact' }, (c) => c('ContactAgent').getContactAsync(second.contactId), (got) => assert.equal(got.name, 'Probe Forge AG'));
  await call('ContactAgent.getContactAsync(unknown)', 'agent', {}, (c) => c('ContactAgent').getContactAsync(99999999), isNull);
  await call('ContactAgent.getContactListAsync', 'agent', { shape: ['Contact'] }, (c) => c('ContactAgent').getContactListAsync([id, second.contactId]), (got) => assert.deepEqual(got.map((one) => one.contactId), [id, second.contactId]));
  await call('ContactAgent.getContactWithPersonsAsync', 'agent', contact, (c) => c('ContactAgent').getContactWithPersonsAsync(id), (got) => assert.equal(got.contactId, id));
  await call('ContactAgent.getNameDepartmentDuplicatesAsync', 'agent', { shape: ['DuplicateEntry'] }, (c) => c('ContactAgent').getNameDepartmentDuplicatesAsync('probe mill gmbh', 'West'), (got) => assert.deepEqual(got.map((one) => one.soPrimaryKey), [id]));
  await call('ContactAgent.getDuplicatesAsync', 'agent', { shape: ['DuplicateEntry'] }, (c) => c('ContactAgent').getDuplicatesAsync('Probe Mill GmbH'), (got) => assert.deepEqual(got.map((one) => one.soPrimaryKey), [id]));
  await call('ContactAgent.getDomainDuplicatesAsync', 'agent', { shape: ['DuplicateEntry'] }, (c) => c('ContactAgent').getDomainDuplicatesAsync('probe-mill.example'), (got) => assert.deepEqual(got.map((one) => one.soPrimaryKey), [id]));
  await call('ContactAgent.validateContactEntityAsync', 'agent', {}, (c) => c('ContactAgent').validateContactEntityAsync({ ...blank, name: '' }), (_, wire) => assert.ok('Name' in wire.body));

  const nobody = await call('PersonRestApi.getDefaultAsync', 'REST', person, (c) => c('PersonRestApi').getDefaultAsync(), (got) => assert.equal(got.personId, 0));
  let human = await call('PersonRestApi.postAsync', 'REST', person, (c) => c('PersonRestApi').postAsync({ ...nobody, firstname: 'Ida', lastname: 'Probe', contact: { contactId: id }, emails: [{ value: 'ida@probe-mill.example' }] }), (got) => {
    assert.equal(got.fullName, 'Ida Probe');
    assert.equal(got.contact.contactId, id);
  });
  const pid = human.personId;
  await call('PersonRestApi.getByIdAsync', 'REST', person, (c) => c('PersonRestApi').getByIdAsync(pid), (got) => assert.equal(got.emails[0].value, 'ida@probe-mill.example'));
  human = await call('PersonRestApi.putByIdAsync', 'REST', person, (c) => c('PersonRestApi').putByIdAsync(pid, { ...human, title: 'Head of Probes' }), (got) => assert.equal(got.title, 'Head of Probes'));
  await call('PersonRestApi.patchByIdAsync', 'REST', person, (c) => c('PersonRestApi').patchByIdAsync(pid, [{ op: 'replace', path: 'Title', value: 'CEO' }]), (got) => assert.equal(got.title, 'CEO'));
  await call('PersonRestApi.getByIdAsync(unknown)', 'REST', { status: 404 }, (c) => c('PersonRestApi').getByIdAsync(99999999), isNotFound);
  await call('ContactRestApi.getByIdAsync(persons inside)', 'REST', contact, (c) => c('ContactRestApi').getByIdAsync(id), (got) => assert.deepEqual(got.persons.map((one) => one.fullName), ['Ida Probe']));
  await call('PersonAgent.createDefaultPersonEntityAsync', 'agent', person, (c) => c('PersonAgent').createDefaultPersonEntityAsync(), (got) => assert.equal(got.personId, 0));
  await call('PersonAgent.createDefaultByContactIdAsync', 'agent', person, (c) => c('PersonAgent').createDefaultByContactIdAsync(id), (got) => assert.equal(got.contact.contactId, id));
  const other = await call('PersonAgent.savePersonEntityAsync', 'agent', person, (c) => c('PersonAgent').savePersonEntityAsync({ ...nobody, firstname: 'Otto', lastname: 'Probe', contact: { contactId: id } }), (got) => assert.ok(got.personId > pid));
  await call('PersonAgent.getPersonEntityAsync', 'agent', person, (c) => c('PersonAgent').getPersonEntityAsync(pid), (got) => assert.equal(got.title, 'CEO'));
  await call('PersonAgent.getPersonEntityAsync(unknown)', 'agent', {}, (c) => c('PersonAgent').getPersonEntityAsync(99999999), isNull);
  await call('PersonAgent.getPersonAsync', 'agent', { shape: 'Person' }, (c) => c('PersonAgent').getPersonAsync(pid), (got) => {
    assert.equal(got.contactName, 'Probe Mill GmbH');
    assert.equal(got.retired, 0);
  });
  await call('PersonAgent.getPersonListAsync', 'agent', { shape: ['Person'] }, (c) => c('PersonAgent').getPersonListAsync([pid, other.personId]), (got) => assert.deepEqual(got.map((one) => one.firstname), ['Ida', 'Otto']));
  await call('PersonAgent.getConsentInfosAsync', 'agent', { shape: ['ConsentInfo'] }, (c) => c('PersonAgent').getConsentInfosAsync(pid));
  await call('PersonAgent.deletePersonEntityAsync', 'agent', { status: 204 }, (c) => c('PersonAgent').deletePersonEntityAsync(other.personId));
  await call('PersonRestApi.deleteByIdAsync', 'REST', { status: 204 }, (c) => c('PersonRestApi').deleteByIdAsync(pid));
  await call('PersonRestApi.getByIdAsync(deleted)', 'REST', { status: 404 }, (c) => c('PersonRestApi').getByIdAsync(pid), isNotFound);
  await call('ContactAgent.deleteContactEntityAsync', 'agent', { status: 204 }, (c) => c('ContactAgent').deleteContactEntityAsync(second.contactId));
  await call('ContactRestApi.deleteByIdAsync', 'REST', { status: 204 }, (c) => c('ContactRestApi').deleteByIdAsync(id));
  await call('ContactRestApi.getByIdAsync(deleted)', 'REST', { status: 404 }, (c) => c('ContactRestApi').getByIdAsync(id), isNotFound);
}

function isNotFound(_, wire) {
  assert.equal(wire.body.Error, true);
  assert.equal(wire.body.ErrorType, 'SoNotFoundException');
  assert.equal(typeof wire.body.ErrorMessage, 'string');
}

function isNull(got, wire) {
  assert.equal(wire.body, null);
  assert.equal(got ?? null, null);
}
