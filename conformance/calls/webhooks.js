// The life of a webhook.
import assert from 'node:assert/strict';

export default async function webhooks({ call, raw, target }) {
  const hook = { shape: 'Webhook' };
  const agent = (c) => c('WebhookAgent');
  const blank = await call('WebhookAgent.createDefaultWebhookAsync', 'agent', hook, (c) => agent(c).createDefaultWebhookAsync(), (got) => assert.equal(got.webhookId, 0));
  const made = await call('WebhookAgent.saveWebhookAsync', 'agent', hook, (c) => agent(c).saveWebhookAsync({ ...blank, name: 'probe', targetUrl: target.url, events: ['contact.created', 'probe.rang'] }), (got) => {
    assert.ok(got.webhookId > 0);
    assert.equal(got.state, 'Active');
    assert.ok(target.got.length > 0);
  });
  const id = made.webhookId;
  await call('WebhookAgent.saveWebhookAsync(plain http)', 'agent', { status: 400 }, (c) => agent(c).saveWebhookAsync({ ...blank, name: 'probe', targetUrl: 'http://target.example/x' }));
  await call('WebhookAgent.getWebhookAsync', 'agent', hook, (c) => agent(c).getWebhookAsync(id), (got) => assert.deepEqual(got.events, ['contact.created', 'probe.rang']));
  await call('WebhookAgent.getWebhookAsync(unknown)', 'agent', {}, (c) => agent(c).getWebhookAsync(99999999), (got, wire) => assert.equal(wire.body, null));
  await call('WebhookAgent.getAllWebhooksAsync', 'agent', { shape: ['Webhook'] }, (c) => agent(c).getAllWebhooksAsync('', '', 'Unknown'), (got) => assert.deepEqual(got.map((one) => one.webhookId), [id]));
  await call('WebhookAgent.getAllWebhooksAsync(name)', 'agent', { shape: ['Webhook'] }, (c) => agent(c).getAllWebhooksAsync('nothing like it', '', 'Unknown'), (got) => assert.deepEqual(got, []));
  await call('WebhookAgent.getAllWebhooksAsync(event)', 'agent', { shape: ['Webhook'] }, (c) => agent(c).getAllWebhooksAsync('', 'probe.', 'Active'), (got) => assert.equal(got.length, 1));
  await call('WebhookAgent.testWebhookAsync', 'agent', { shape: 'WebhookResult' }, (c) => agent(c).testWebhookAsync(made), (got) => assert.equal(got.success, true));
  await call('WebhookAgent.getLastErrorAsync', 'agent', {}, (c) => agent(c).getLastErrorAsync(id), (got) => assert.equal(got, ''));
  const before = target.got.length;
  await call('WebhookAgent.signalEventAsync', 'agent', { status: 204 }, (c) => agent(c).signalEventAsync('probe.rang', 7, { who: 'me' }), async () => {
    for (let tries = 0; target.got.length === before && tries < 200; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(target.got.some((text) => text.includes('probe.rang')));
  });
  await call('WebhookAgent.saveWebhookAsync(stop)', 'agent', hook, (c) => agent(c).saveWebhookAsync({ ...made, state: 'Stopped' }), (got) => assert.equal(got.state, 'Stopped'));
  await call('WebhookAgent.getAllWebhooksAsync(state)', 'agent', { shape: ['Webhook'] }, (c) => agent(c).getAllWebhooksAsync('', '', 'Stopped'), (got) => assert.deepEqual(got.map((one) => one.state), ['Stopped']));
  await call('GET Webhook?nameFilter', 'raw', {}, raw('Webhook?nameFilter=probe'), (got) => assert.equal(got.length, 1));
  await call('GET Webhook/{unknown}', 'raw', { status: 404 }, raw('Webhook/99999999'), (_, wire) => assert.equal(wire.body?.Error, true));
  await call('WebhookAgent.deleteWebhookAsync', 'agent', { status: 204 }, (c) => agent(c).deleteWebhookAsync(id));
  await call('WebhookAgent.getWebhookAsync(deleted)', 'agent', {}, (c) => agent(c).getWebhookAsync(id), (_, wire) => assert.equal(wire.body, null));
}
