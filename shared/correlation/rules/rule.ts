/**
 * The shape of a rule: what one kind of Event means. Rules are data (`built-in/*.ts`, users' YAML files) and say everything by the
 * fields below. `match.ts` turns them into meanings; the rest of the core tests meanings only, never the id of a rule. Owner
 * references are the spine of every trace, rules only refine: an Event that no rule knows still finds its place.
 */

/**
 * The role of an Event in its change. start: opens a phase that an `end` with the same pair closes; action: something done to the
 * subject; state: a condition that holds; failure: trouble; end: closes a phase; noise: without cause or effect.
 */
export const classes = ['start', 'action', 'state', 'failure', 'end', 'noise'] as const;
export type Class = (typeof classes)[number];

/**
 * What an action does to its subject, or what a failure kept from being done. stop: a container ends because its pod does; restart: a
 * container is stopped to be started again; rescale: a size is set, which the controller of the pods then answers; bind: a place is
 * chosen; cordon, uncordon: a node is closed to new pods, or opened again; suspend, resume: a run is halted, or goes on.
 */
export const verbs = [
  '',
  'create',
  'delete',
  'scale-up',
  'scale-down',
  'rescale',
  'evict',
  'stop',
  'restart',
  'update',
  'bind',
  'cordon',
  'uncordon',
  'suspend',
  'resume',
] as const;
export type Verb = (typeof verbs)[number];

/**
 * Phases with a duration (`knspan.phase`). Four of them are known to the core: schedule lasts from the creation of the object to its
 * `end`; pull and container are the steps of a container, which is up when the container phase ends; run lasts from the creation of the
 * object to its `end`, which closes the change.
 */
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

/** Kinds of change that a rule may begin. A later cordon of the same node joins the drain that is under way. */
export const begun = ['create', 'rollout', 'scale', 'delete', 'update', 'run', 'drain', 'outage'] as const;
export type Begun = (typeof begun)[number];

/** Whose change an Event belongs to, where it is not the involved object's; outage: the node's, while that is out. */
export const homes = ['related', 'node', 'outage'] as const;
export type Home = (typeof homes)[number];

/** What an object waits for, in the order in which a pod needs it. */
export const waits = ['node', 'quota', 'volume', 'network', 'image', 'certificate'] as const;
export type Wait = (typeof waits)[number];

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
  /** Stable and unique, e.g. `deployment.scale-up`; appears as `knspan.event.rule`. */
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
   * wins. Named groups that mean something: name, namespace, uid, kind (subject); from, to, size (replicas); duration, waiting (Go
   * durations); bytes; container; image; node; nodegroup; volume; revision; outcome (`Failed`: the run has failed). Absent: any message.
   */
  readonly patterns?: readonly string[];
  readonly class: Class;
  readonly verb?: Verb;
  /** The object that the Event is really about; absent: the involved object. */
  readonly subject?: SubjectTemplate;
  /** Key that joins a start and its end on the same object and container. An end may list several: it closes the first that is open. */
  readonly pair?: string | readonly string[];
  readonly phase?: Phase;
  /** A first sign of life of the involved object: where nothing caused it, it begins a change rather than a digest. */
  readonly firstSign?: boolean;
  /** Always begins a change of this kind, whatever else is open: a cordon, an edit that a deploy tool reports. */
  readonly begins?: Begun;
  /** The change that it begins stays open until an Event that `ends` it. */
  readonly expectsEnd?: boolean;
  /** An end that closes the whole change, not only its pair. */
  readonly ends?: boolean;
  readonly home?: Home;
  /** For failures and ends: the change has failed. */
  readonly fails?: boolean;
  /** For failures: each repeat is the same trouble anew, even if the object had recovered in between (a crash loop). */
  readonly recurs?: boolean;
  /** A health check: its object is unready rather than broken, and a restart that follows answers it. */
  readonly probe?: boolean;
  /** For failures: what the object lacks until it can go on; its change waits for that. */
  readonly waitsFor?: Wait;
  /** For deletions: the subject had failed and is deleted to be made anew. */
  readonly heals?: boolean;
  /** Each line of the message reports an action of its own, which the rules of the same reason explain line by line. */
  readonly lines?: boolean;
  /** A remark on what its object is doing: a span event of that span, not a span. */
  readonly remark?: boolean;
  /** For states: shown as a warning. Whether its object is in trouble is not known, so no outcome depends on it. */
  readonly warns?: boolean;
  /** `service.name` of the spans of the rule's reporters; needs `reporter`. Absent: by what other rules say of the reporter. */
  readonly service?: string;
}

export interface Subject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What was done to which object. */
export interface Act {
  readonly verb: Verb;
  readonly subject: Subject;
}

/** What the rules make of one Event: the fields of its rule, with what the message adds. */
export interface Meaning {
  /** The rule's id, which explains the span; nothing is decided by it. */
  readonly rule: string;
  readonly class: Class;
  readonly verb: Verb;
  /** The object acted upon, when it is not the involved one. */
  readonly subject: Subject | null;
  /** What the further lines of its message say. */
  readonly others: readonly Act[];
  readonly pairs: readonly string[];
  readonly phase: Phase;
  readonly firstSign: boolean;
  readonly begins: '' | Begun;
  readonly expectsEnd: boolean;
  readonly ends: boolean;
  readonly home: '' | Home;
  readonly fails: boolean;
  readonly recurs: boolean;
  readonly probe: boolean;
  readonly waitsFor: '' | Wait;
  readonly heals: boolean;
  readonly remark: boolean;
  readonly warns: boolean;
  /** `service.name` of the Event's spans. */
  readonly service: string;
  /** Named groups of the pattern that matched. */
  readonly groups: Readonly<Record<string, string>>;
}
