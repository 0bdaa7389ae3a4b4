/** Subscribers for dead letters: configured ones only. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSubscribers, subscribersOf } from '../../functions/reconciler/subscribers.ts';
import { Settings } from '../../shared/process/settings.ts';

describe('subscribers', () => {
  it('are found in every writing of their URL, and nobody else', () => {
    const { find } = subscribersOf(['http://exporter.ns.svc.cluster.local', 'https://Coin.example:8443/flip', 'correlator:8080']);
    for (const dest of [
      'http://exporter.ns.svc.cluster.local',
      'http://exporter.ns.svc.cluster.local/',
      'http://EXPORTER.ns.svc.cluster.local:80/',
    ])
      assert.equal(find(dest), 'http://exporter.ns.svc.cluster.local/');
    assert.equal(find('https://coin.example:8443/flip'), 'https://coin.example:8443/flip');
    assert.equal(find('http://correlator:8080'), 'http://correlator:8080/');
    for (const dest of [
      'https://exporter.ns.svc.cluster.local/',
      'http://exporter.ns.svc.cluster.local/admin',
      'http://exporter.ns.svc.cluster.local:8080/',
      'http://user@exporter.ns.svc.cluster.local/',
      'http://exporter.ns.svc.cluster.local/?to=x',
      'http://exporter.ns.svc.cluster.local.evil.example/',
      'https://coin.example:8443/',
      'ftp://correlator:8080/',
      '',
    ])
      assert.equal(find(dest), null, dest);
  });
});

describe('the names of subscribers', () => {
  const faultsOf = (text: string): string => {
    const settings = new Settings({ KNSPAN_SUBSCRIBERS: text });
    readSubscribers(settings);
    try {
      settings.finish('test');
      return '';
    } catch (error) {
      return String(error);
    }
  };

  it('are given, or the first label of the host', () => {
    const { find } = subscribersOf([
      'http://exporter.ns.svc.cluster.local',
      'flip=https://coin.example/flip',
      'a=127.0.0.1:1',
      '127.0.0.1:2',
    ]);
    assert.equal(find('exporter'), 'http://exporter.ns.svc.cluster.local/');
    assert.equal(find('flip'), 'https://coin.example/flip');
    assert.equal(find('a'), 'http://127.0.0.1:1/');
    for (const dest of ['coin', '127', '']) assert.equal(find(dest), null, dest);
    assert.equal(find('http://127.0.0.1:2'), 'http://127.0.0.1:2/');
  });

  it('are each one subscriber', () => {
    assert.equal(faultsOf('http://a.x,b=http://a.y,http://c.z'), '');
    for (const text of ['http://a.x,http://a.y', 'a=http://x.y,a=http://z.y', 'A=http://x.y', 'a=', 'a=ftp://x.y', 'http://x.y?a=b'])
      assert.match(faultsOf(text), /KNSPAN_SUBSCRIBERS is .*, wanted URLs .* by NAME=URL; names are unique/, text);
  });
});
