/** An object as the model has it. */
export interface ModelObject {
  /** Stands for the uid: counts the objects that were made. */
  readonly incarnation: number;
  /** Stands for the resource version: another one after every change. */
  readonly token: number;
  readonly generation: number;
  readonly wish: number;
  readonly label: string | undefined;
  readonly fact: number | undefined;
  readonly finalizers: readonly string[];
  readonly isDeleted: boolean;
}

/** The code of a refusal, or the object that the store answers with. */
export type ModelAnswer = string | ModelObject;

/** What an apply asks for. */
export interface ModelApply {
  readonly wish: number;
  readonly label: string | undefined;
  readonly dryRun: boolean;
  /** Only at this token; 0: only if there is none. */
  readonly token?: number;
}

/** A ResourceStore in a few lines: what each operation means, and nothing of how it is kept. */
export class StoreModel {
  readonly objects = new Map<string, ModelObject>();
  private incarnations = 0;
  private tokens = 0;

  /** A new document of the object. */
  apply(key: string, { wish, label, dryRun, token }: ModelApply): ModelAnswer {
    const old = this.objects.get(key);
    if (token !== undefined && token !== (old?.token ?? 0)) return 'CLV_CONFLICT';
    if (old?.wish === wish && old.label === label) return old;
    const next: ModelObject = {
      incarnation: old?.incarnation ?? this.incarnations + 1,
      token: old?.token ?? 0,
      generation: (old?.generation ?? 0) + (old?.wish === wish ? 0 : 1),
      wish,
      label,
      fact: old?.fact,
      finalizers: old?.finalizers ?? [],
      isDeleted: old?.isDeleted ?? false,
    };
    if (dryRun) return next;
    this.incarnations = Math.max(this.incarnations, next.incarnation);
    return this.put(key, next);
  }

  /** A new status, and perhaps finalizers, of an object as it was read. */
  patch(
    key: string,
    read: ModelObject,
    fact: number | undefined,
    finalizers: readonly string[] | undefined,
  ): ModelAnswer {
    const old = this.objects.get(key);
    if (old === undefined) return 'CLV_NOT_FOUND';
    if (old.incarnation !== read.incarnation || old.token !== read.token) return 'CLV_CONFLICT';
    const left = finalizers ?? old.finalizers;
    if (old.isDeleted && left.some((each) => !old.finalizers.includes(each))) {
      return 'CLV_RESOURCE_INVALID';
    }
    if (old.isDeleted && left.length === 0) return this.drop(key, { ...old, fact, finalizers: [] });
    if (old.fact === fact && String(old.finalizers) === String(left)) return old;
    return this.put(key, { ...old, fact, finalizers: left });
  }

  /** The deletion, of the object that was read if one is given. */
  remove(key: string, read: ModelObject | undefined): ModelAnswer {
    const old = this.objects.get(key);
    if (old === undefined) return 'CLV_NOT_FOUND';
    const isOther = read?.incarnation !== old.incarnation || read.token !== old.token;
    if (read !== undefined && isOther) return 'CLV_CONFLICT';
    if (old.finalizers.length === 0) return this.drop(key, old);
    if (old.isDeleted) return old;
    return this.put(key, { ...old, generation: old.generation + 1, isDeleted: true });
  }

  private put(key: string, object: ModelObject): ModelObject {
    const stored = { ...object, token: (this.tokens += 1) };
    this.objects.set(key, stored);
    return stored;
  }

  private drop(key: string, object: ModelObject): ModelObject {
    this.objects.delete(key);
    return { ...object, token: (this.tokens += 1) };
  }
}
