import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ApplyResult } from '../functions/api/client.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { bodyOfEdit, textToEdit } from './edit-text.ts';
import { errorDocument } from './report-error.ts';
import { utf8Text } from './utf8.ts';

/** What an edit is made of. */
export interface EditSteps {
  /** What the editor shows first. */
  readonly original: string;
  /** Name of the file, for editors that go by it. */
  readonly fileName: string;
  /** Opens the file, and resolves when the editor ended well. */
  readonly open: (path: string) => Promise<void>;
  /** Applies the text; undefined when it says the same as before. */
  readonly apply: (text: string) => Promise<ApplyResult | undefined>;
  /** Called with the path of the file, if it holds what nobody else has. */
  readonly kept: (path: string) => void;
}

/** How an edit ended that did not fail. */
export type Edited = ApplyResult | 'empty' | 'same';

/**
 * Lets a text be edited until it can be applied, or nothing of it changes. The file is for its owner's eyes only; it goes
 * away unless the edit fails with changes in it.
 * @throws CloverError of the editor, or of the apply: what can be corrected only once it comes back uncorrected.
 */
export async function runEdit(steps: EditSteps): Promise<Edited> {
  const { original, open, apply } = steps;
  const path = join(await mkdtemp(join(tmpdir(), 'cloverctl-edit-')), steps.fileName);
  let shown = original;
  let refused: CloverError | undefined;
  try {
    for (;;) {
      const reasons = refused === undefined ? undefined : errorDocument(refused);
      await writeFile(path, textToEdit(shown, reasons), { mode: 0o600 });
      await open(path);
      const body = bodyOfEdit(await savedText(path));
      const isEmpty = body.trim() === '';
      if (isEmpty || body === original) return await removed(path, isEmpty ? 'empty' : 'same');
      if (refused !== undefined && body === shown) throw refused;
      shown = body;
      try {
        return await removed(path, (await apply(body)) ?? 'same');
      } catch (error) {
        if (!canBeCorrected(error)) throw error;
        refused = error;
      }
    }
  } catch (error) {
    const saved = await readFile(path, 'utf8').catch(() => original);
    if (bodyOfEdit(saved) === original) await removed(path, undefined);
    else steps.kept(path);
    throw error;
  }
}

/** @throws CloverError CLV_CONFIG_INVALID when the editor left no file, CLV_RESOURCE_INVALID for what is not UTF-8. */
async function savedText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const message =
      'the editor ended and left no file that can be read; nothing was applied: choose another with CLOVER_EDITOR';
    throw new CloverError('CLV_CONFIG_INVALID', message, { cause });
  }
  return utf8Text(bytes, 'the edited text', 'CLV_RESOURCE_INVALID');
}

async function removed<T>(path: string, result: T): Promise<T> {
  await rm(dirname(path), { recursive: true, force: true });
  return result;
}

function canBeCorrected(error: unknown): error is CloverError {
  return (
    error instanceof CloverError &&
    (error.code === 'CLV_RESOURCE_INVALID' || error.code === 'CLV_ARGUMENT_INVALID')
  );
}
