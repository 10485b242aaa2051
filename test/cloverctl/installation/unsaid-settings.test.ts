import test from 'ava';
import { checkedInstallation, type Settings } from '../../../cloverctl/installation/settings.ts';
import { isSaid, unsaidSettings } from '../../../cloverctl/installation/unsaid-settings.ts';

const clickhouse = { url: 'http://c.example:8123', passwordSecret: { name: 'c', key: 'p' } };

const unsaid = (said: Settings): readonly string[] => {
  const found = { namespace: 'clover-system', knative: false };
  return unsaidSettings(checkedInstallation({ clickhouse, ...said }, found), said);
};
const names = (said: Settings): readonly string[] =>
  unsaid(said).map((line) => line.replace(/ is not said, and no cluster is asked: it is .*/, ''));

test('each setting that a cluster would tell is named, with what it is and how it is said', (t) => {
  t.deepEqual(names({}), ['knative', 'controlPlane.istio', 'controlPlane.persistent']);
  t.regex(unsaid({})[0] ?? '', /it is false, .*--set knative=true$/);
  t.deepEqual(names({ knative: true }), ['controlPlane.istio', 'agent.untapped']);
  t.regex(unsaid({ knative: true })[1] ?? '', /it is \[knative-eventing, .*--set agent\.untapped=/);
});

test('what is said, or has no say, is not named', (t) => {
  const knative = false;
  const istio = true;
  t.deepEqual(names({ knative, controlPlane: { istio, persistent: false } }), []);
  t.deepEqual(names({ knative, controlPlane: { istio, storageClass: 'fast' } }), []);
  t.deepEqual(
    names({ knative: true, controlPlane: { istio }, agent: { untapped: ['istio-system'] } }),
    [],
  );
  t.deepEqual(names({ knative: true, controlPlane: { istio }, agent: { enabled: false } }), []);
});

test('a setting is said by its dotted name, whatever is said of it', (t) => {
  const said = { knative: false, agent: { enabled: false } };
  t.true(isSaid(said, 'knative') && isSaid(said, 'agent.enabled'));
  t.false(isSaid(said, 'agent.untapped') || isSaid(said, 'controlPlane.istio'));
});
