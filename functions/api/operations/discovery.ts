import { z } from 'zod';
import { operation } from '../operation.ts';
import { apiGroup, apiGroupList, apiResourceList } from '../schemas/resources.ts';
import { noParams, noQuery, taggedAnswer } from './parameters.ts';
import { resourceRoot } from './resources.ts';

const group = resourceRoot.slice(0, resourceRoot.lastIndexOf('/'));

const asked = {
  method: 'get',
  tag: 'Discovery',
  params: noParams,
  query: noQuery,
  errors: [],
  example: {},
} as const;

/** What there is: for people, for programs, and for Kubernetes' tools. */
export const discovery = {
  openapi: operation({
    ...asked,
    id: 'openapi',
    path: '/openapi.json',
    needs: 'nothing',
    summary: 'This API as an OpenAPI 3.1 document',
    answers: taggedAnswer('The document.', z.looseObject({ openapi: z.string() })),
  }),
  groups: operation({
    ...asked,
    id: 'listGroups',
    path: '/apis',
    summary: 'The API groups',
    answers: taggedAnswer('The groups.', apiGroupList),
  }),
  group: operation({
    ...asked,
    id: 'readGroup',
    path: group,
    summary: "Clover's API group",
    answers: taggedAnswer('The group.', apiGroup),
  }),
  resources: operation({
    ...asked,
    id: 'listResources',
    path: resourceRoot,
    summary: 'The kinds of resources',
    answers: taggedAnswer('The kinds.', apiResourceList),
  }),
  recordGroup: operation({
    ...asked,
    id: 'readRecordGroup',
    path: '/apis/events.k8s.io',
    summary: 'The API group of the records',
    answers: taggedAnswer('The group.', apiGroup),
  }),
  records: operation({
    ...asked,
    id: 'listRecordResources',
    path: '/apis/events.k8s.io/v1',
    summary: 'The kind of the records',
    answers: taggedAnswer('The kind.', apiResourceList),
  }),
} as const;
