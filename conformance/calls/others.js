// Users, definitions of user-defined fields, and lists.
import assert from 'node:assert/strict';

export default async function others({ call, raw, started }) {
  const user = { shape: 'Associate' };
  const users = { shape: ['Associate'] };
  const principal = await call('GET User/currentPrincipal', 'raw', {}, raw('User/currentPrincipal'), (got) => assert.ok(got.AssociateId > 0));
  const me = principal.AssociateId;
  await call('GET User/currentAssociate', 'raw', {}, raw('User/currentAssociate'), (got) => assert.equal(got.AssociateId, me));
  const found = await call('AssociateAgent.getAssociateAsync', 'agent', user, (c) => c('AssociateAgent').getAssociateAsync(me), (got) => assert.equal(got.associateId, me));
  await call('AssociateAgent.getAssociateAsync(unknown)', 'agent', {}, (c) => c('AssociateAgent').getAssociateAsync(99999999), (_, wire) => assert.equal(wire.body, null));
  await call('AssociateAgent.getAssociateByPersonIdAsync', 'agent', user, (c) => c('AssociateAgent').getAssociateByPersonIdAsync(found.personId), (got) => assert.equal(got.associateId, me));
  await call('AssociateAgent.getAssociateListAsync', 'agent', users, (c) => c('AssociateAgent').getAssociateListAsync([me]), (got) => assert.deepEqual(got.map((one) => one.associateId), [me]));
  await call('AssociateAgent.getAssociatesByGroupAsync', 'agent', users, (c) => c('AssociateAgent').getAssociatesByGroupAsync(found.groupIdx, 2), (got) => {
    assert.ok(got.some((one) => one.associateId === me));
    assert.ok(got.every((one) => one.groupIdx === found.groupIdx));
  });

  const field = { shape: 'UserDefinedFieldInfo' };
  const fields = { shape: ['UserDefinedFieldInfo'] };
  const udef = (c) => c('UserDefinedFieldInfoAgent');
  const published = await call('UserDefinedFieldInfoAgent.getPublishedUserDefinedFieldListAsync', 'agent', fields, (c) => udef(c).getPublishedUserDefinedFieldListAsync('Contact'), (got) => {
    assert.ok(got.length > 0);
    assert.ok(got.every((one) => one.type === 'Contact'));
  });
  await call('UserDefinedFieldInfoAgent.getUserDefinedFieldListAsync', 'agent', fields, (c) => udef(c).getUserDefinedFieldListAsync('Person'), (got) => assert.ok(got.every((one) => one.type === 'Person')));
  const first = published[0];
  const same = (got) => assert.equal(got.progId, first.progId);
  await call('UserDefinedFieldInfoAgent.getUserDefinedFieldFromProgIdAsync', 'agent', field, (c) => udef(c).getUserDefinedFieldFromProgIdAsync(first.progId, 'Contact'), same);
  await call('UserDefinedFieldInfoAgent.getPublishedUserDefinedFieldFromProgIdAsync', 'agent', field, (c) => udef(c).getPublishedUserDefinedFieldFromProgIdAsync(first.progId, 'Contact'), same);
  await call('UserDefinedFieldInfoAgent.getUserDefinedFieldFromProgIdAsync(unknown)', 'agent', {}, (c) => udef(c).getUserDefinedFieldFromProgIdAsync('Nothing:1', 'Contact'), (_, wire) => assert.equal(wire.body, null));
  await call('UserDefinedFieldInfoAgent.getUserDefinedFieldFromProgIdsAsync', 'agent', fields, (c) => udef(c).getUserDefinedFieldFromProgIdsAsync([first.progId], 'Contact'), (got) => same(got[0]));
  await call('UserDefinedFieldInfoAgent.getUserDefinedFieldFromFieldLabelAsync', 'agent', field, (c) => udef(c).getUserDefinedFieldFromFieldLabelAsync(first.fieldLabel, 'Contact'), same);
  await call('UserDefinedFieldInfoAgent.getUserDefinedFieldInfoAsync', 'agent', field, (c) => udef(c).getUserDefinedFieldInfoAsync(first.uDefFieldId), same);
  await call('UserDefinedFieldInfoAgent.detectUnpublishedChangesAsync', 'agent', {}, (c) => udef(c).detectUnpublishedChangesAsync('Contact'), (got) => assert.equal(got, false));
  await call('UserDefinedFieldInfoAgent.isAnyPublishEventActiveAsync', 'agent', {}, (c) => udef(c).isAnyPublishEventActiveAsync(), (got) => assert.equal(got, false));
  await call('GET Contact/UdefLayout/Published', 'raw', {}, raw('Contact/UdefLayout/Published'), (got) => assert.equal(got.length, published.length));
  await call('GET Contact/UdefLayout/Published/{progId}', 'raw', {}, raw(`Contact/UdefLayout/Published/${encodeURIComponent(first.progId)}`), (got) => assert.equal(got.ProgId, first.progId));
  await call('GET Contact/UdefLayout/Published/{unknown}', 'raw', { status: 404 }, raw('Contact/UdefLayout/Published/Nothing:1'), (_, wire) => assert.equal(wire.body?.Error, true));

  const items = { shape: ['MDOListItem'] };
  const selectable = { shape: ['SelectableMDOListItem'] };
  const mdo = (c) => c('MDOAgent');
  const category = await call('MDOAgent.getListAsync', 'agent', items, (c) => mdo(c).getListAsync('category', true, '', false), (got) => assert.ok(got.length > 1));
  const names = (got) => assert.deepEqual(got.map((one) => one.name), category.map((one) => one.name));
  await call('MDOAgent.getSimpleListAsync', 'agent', items, (c) => mdo(c).getSimpleListAsync('category'), names);
  await call('MDOAgent.getSelectableListAsync', 'agent', selectable, (c) => mdo(c).getSelectableListAsync('category', true, '', false), names);
  await call('MDOAgent.getSelectableSimpleListAsync', 'agent', selectable, (c) => mdo(c).getSelectableSimpleListAsync('category'), names);
  await call('MDOAgent.getListWithRestrictionAsync', 'agent', items, (c) => mdo(c).getListWithRestrictionAsync('category', '', category[1].name), (got) => assert.deepEqual(got.map((one) => one.id), [category[1].id]));
  await call('MDOAgent.getListItemAsync', 'agent', { shape: 'MDOListItem' }, (c) => mdo(c).getListItemAsync('category', category[1].id), (got) => assert.equal(got.name, category[1].name));
  await call('MDOAgent.getListNamesAsync', 'agent', {}, (c) => mdo(c).getListNamesAsync(), (got) => assert.ok(got.includes('category')));
  await call('GET MDOList/category', 'raw', {}, raw('MDOList/category?flat=True'), (got) => assert.deepEqual(got.map((one) => one.Id), category.map((one) => one.id)));
  const list = published.find((one) => one.fieldType === 'List');
  await call('MDOAgent.getListAsync(udlist)', 'agent', items, (c) => mdo(c).getListAsync('udlist', true, String(list.uDListDefinitionId), false), (got) => assert.ok(got.length > 0));
  await call('MDOAgent.getSimpleListAsync(associate)', 'agent', items, (c) => mdo(c).getSimpleListAsync('associate'), (got) => assert.ok(started.owners.every((owner) => got.some((one) => one.name.includes(owner) || one.toolTip.includes(owner) || one.extraInfo.length > 0))));
}
