/**
 * The shape of a rule: what one kind of Event means. Rules are data (`rules/*.ts`, users' YAML files); `match.ts` applies
 * them. Owner references are the spine of every trace, rules only refine: an Event that no rule knows still finds its place.
 */

/** What an Event is to the change that it belongs to. */
export const classes = ['start', 'action', 'state', 'failure', 'end', 'noise'] as const;
/**
 * start: opens a phase that an `end` with the same pair closes; action: something done to the subject; state: something
 * that is so; failure: trouble; end: closes a phase; noise: without cause or effect.
 */
export type Class = (typeof classes)[number];

/** What an action does to its subject. */
export const verbs = ['', 'create', 'delete', 'scale-up', 'scale-down', 'rescale', 'evict', 'stop', 'update', 'bind'] as const;
export type Verb = (typeof verbs)[number];

/** Phases with a duration (design: `knspan.phase`). */
export const phases = [
  '',
  'schedule',
  'pull',
  'provision',
  'attach',
  'container',
  'ready',
  'backoff',
  'stop',
  'run',
  'rollout',
  'restart',
  'load-balancer',
  'issue',
  'resize',
  'sync',
  'outage',
  'join',
] as const;
export type Phase = (typeof phases)[number];

export interface SubjectTemplate {
  /** Kind of the object acted upon; `$kind` takes the named group `kind`. */
  readonly kind: string;
  /** Default `$name`: the pattern's named group `name`. Anything else is literal text with `$group` in it. */
  readonly name?: string;
  /** Default: the involved object's namespace; `$namespace` takes the named group. Empty for cluster-scoped kinds. */
  readonly namespace?: string;
  /** `$uid` takes the named group. */
  readonly uid?: string;
}

export interface Rule {
  /** Stable and unique, e.g. `deployment.scale-up`; appears as `knspan.rule`. */
  readonly id: string;
  /** Reporting components, any of; `*` at the end matches a prefix. Absent: any. */
  readonly reporter?: readonly string[];
  /** API groups of the involved object, any of (`''` is core). Absent: any. */
  readonly group?: readonly string[];
  /** Kinds of the involved object, any of. Absent: any. */
  readonly kind?: readonly string[];
  /** Reasons, any of. Absent: any. */
  readonly reason?: readonly string[];
  /**
   * Regular expressions (flags `su`), tried in order against the message without its merge prefix; the first that matches
   * wins. Named groups that mean something: name, namespace, uid, kind (subject); from, to (replicas); duration, waiting (Go
   * durations); bytes; container; image; node; volume; revision; outcome. Absent: any message.
   */
  readonly patterns?: readonly string[];
  readonly class: Class;
  readonly verb?: Verb;
  /** The object that the Event is really about; absent: the involved object. */
  readonly subject?: SubjectTemplate;
  /** Key that joins a start and its end on the same object and container. */
  readonly pair?: string;
  readonly phase?: Phase;
  /** True: a first sign of life of the involved object; where nothing caused it, it begins a change rather than a digest. */
  readonly opens?: boolean;
  /** True: this always begins a change of its own, whatever is still open (a cordon, an edit reported by a deploy tool). */
  readonly always?: boolean;
  /** `related`: the Event belongs to the change of its related object; `node`: to the node that the message or pod names. */
  readonly home?: 'related' | 'node';
  /** For failures and ends: this one means that the change has failed. */
  readonly fails?: boolean;
}

/** What the rules make of one Event. */
export interface Meaning {
  readonly rule: string;
  readonly class: Class;
  readonly verb: Verb;
  /** The object acted upon, when it is not the involved one. */
  readonly subject: { readonly kind: string; readonly namespace: string; readonly name: string; readonly uid: string } | null;
  readonly pair: string;
  readonly phase: Phase;
  readonly opens: boolean;
  readonly always: boolean;
  readonly home: '' | 'related' | 'node';
  readonly fails: boolean;
  /** Named groups of the pattern that matched. */
  readonly groups: Readonly<Record<string, string>>;
}
