import test from 'ava';
import type { Rule } from '../../../../knative/resources/rule.ts';
import type { StructuralSchema } from '../../../../knative/structural-schema.ts';
import { ruleErrors } from '../../../../functions/resources/schema/rule-errors.ts';

const objectWith = (...rules: readonly Rule[]): StructuralSchema => ({
  type: 'object',
  properties: {
    count: { type: 'integer' },
    share: { type: 'number' },
    name: { type: 'string' },
    list: { type: 'array', items: { type: 'number' } },
  },
  'x-kubernetes-validations': rules,
});
const broken = (rule: string, value: object, old?: object): boolean =>
  ruleErrors(objectWith({ rule, message: 'must hold' }), value, old).length > 0;

const sorted = (list: readonly number[]): boolean => !broken('self.list.isSorted()', { list });

test('whole numbers by the schema are int, all others double', (t) => {
  t.false(broken('type(self.count) == int && type(self.share) == double', { count: 2, share: 2 }));
  t.false(broken('self.count / 2 == 2', { count: 5 }));
  t.false(broken('self.share / 2.0 == 2.5', { share: 5 }));
});

test('a rule that ends in an error is broken: nothing passes by it', (t) => {
  t.true(broken('self.name == "a"', {}));
  t.true(broken('duration(self.name) > duration("0s")', { name: 'soon' }));
  t.false(broken('!has(self.name) || self.name == "a"', {}));
});

test('a rule that is no CEL is a fault of the program', (t) => {
  t.throws(() => broken('self.name ==', {}));
});

test('a list is sorted when no item is less than the one before', (t) => {
  t.true(sorted([]));
  t.true(sorted([1]));
  t.true(sorted([1, 1, 2.5]));
  t.false(sorted([1, 3, 2]));
});

test('keys that every object of JavaScript has are not there', (t) => {
  t.true(broken('has(self.constructor)', {}));
  t.false(broken('!has(self.toString)', {}));
});

test('a rule with oldSelf is checked only where there is an old value', (t) => {
  t.false(broken('self == oldSelf', { count: 1 }));
  t.false(broken('self == oldSelf', { count: 1, list: [1] }, { list: [1], count: 1 }));
  t.true(broken('self == oldSelf', { count: 1 }, { count: 2 }));
});

test('an error names the field of the rule, and what stands there', (t) => {
  const schema = objectWith({ rule: 'false', message: 'must differ', fieldPath: '.name' });
  const inList: StructuralSchema = { type: 'array', items: schema };
  const [error] = ruleErrors(inList, [{ name: 'a' }], undefined, { path: ['spec', 'parts'] });
  t.is(error?.field, 'spec.parts[0].name');
  t.is(error?.message, 'found "a"; must differ');
});

test('of a value that does not fit, the rules of those parts are looked at that do', (t) => {
  const schema: StructuralSchema = {
    type: 'object',
    properties: {
      good: objectWith({ rule: 'false', message: 'must hold' }),
      bad: objectWith({ rule: 'false', message: 'must hold' }),
      long: { type: 'array', maxItems: 1, items: objectWith({ rule: 'false', message: 'no' }) },
    },
    'x-kubernetes-validations': [{ rule: 'false', message: 'must hold' }],
  };
  const value = { good: { count: 1 }, bad: { count: 'one' }, long: [{}, {}] };
  const found = ruleErrors(schema, value, undefined, { fits: false });
  t.deepEqual(
    found.map(({ field }) => field),
    ['good'],
  );
});

const around = (inner: StructuralSchema): StructuralSchema => ({
  type: 'object',
  properties: { inner },
  'x-kubernetes-validations': [{ rule: 'has(self.inner)', message: 'must hold' }],
});

test('a value is made into one of CEL once, however many rules lie around it', (t) => {
  const leaf = objectWith({ rule: 'self.count == 1', message: 'must be one' });
  let reads = 0;
  const value = {
    get count() {
      reads += 1;
      return 1;
    },
  };
  const deep = { inner: { inner: { inner: value } } };
  t.deepEqual(ruleErrors(around(around(around(leaf))), deep, undefined), []);
  // Once for CEL, once to look for rules inside.
  t.is(reads, 2);
});

test('rules inside of an object see the old value of their field, those of items of lists none', (t) => {
  const rule = { rule: 'self.count == oldSelf.count', message: 'must stay' };
  const schema: StructuralSchema = {
    type: 'object',
    properties: { one: objectWith(rule), many: { type: 'array', items: objectWith(rule) } },
    'x-kubernetes-validations': [{ rule: 'oldSelf.one.count < 3', message: 'must hold' }],
  };
  const fields = (value: object, old: object): string[] =>
    ruleErrors(schema, value, old).map(({ field }) => field);
  const many = [{ count: 5 }];
  t.deepEqual(fields({ one: { count: 1 }, many }, { one: { count: 1 }, many: [{ count: 4 }] }), []);
  t.deepEqual(fields({ one: { count: 1 }, many }, { one: { count: 2 }, many }), ['one']);
});
