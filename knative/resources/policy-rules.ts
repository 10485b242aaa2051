import type { Rule } from './rule.ts';

/** Every split names versions of the policy. Lint says where not, with a near miss. */
export const knownVersions: Rule = {
  rule: 'self.rules.all(r, r.split.all(part, self.versions.exists(v, v.name == part.version)))',
  message: 'must split between versions of spec.versions only',
  fieldPath: '.rules',
};

/** No two rules of a policy have the same name. Lint says where they have. */
export const uniqueNames: Rule = {
  rule: 'self.all(r, !has(r.name) || self.exists_one(other, has(other.name) && other.name == r.name))',
  message: 'must have rules of different names',
};
