import type { RequestListener } from 'node:http';
import type { SessionStore } from '@sessile/core';
import type { BehaviourKey } from '../behaviours.js';

/** What an app is asked to do, whatever the framework. */
export interface AppOptions {
  readonly store: SessionStore;
  readonly handler: Handler;
  /** How long a session lives, in ms; `browser`: no lifetime is named; `session`: koa-session's word for that. */
  readonly life: number | 'browser' | 'session';
  readonly rolling?: boolean | undefined;
  readonly renew?: boolean | undefined;
  /** Options by the names of the middleware's own. */
  readonly native?: object | undefined;
}

/** Works on the session of a request, and answers with a text. */
type Handler = (path: string, request: SessionOfRequest) => Promise<string>;

/** What a handler can do to the session of its request. */
export interface SessionOfRequest {
  /** As it is now: a middleware may put another object there. */
  readonly data: () => Record<string, any>;
  /** Puts another object in its place, where the middleware has that. */
  readonly replace?: (data: object) => void;
  /** Gives this one session another life, in ms: "remember me". */
  readonly live: (lifeMs: number) => void;
  /** Logs out. */
  readonly destroy: () => Promise<void> | void;
  /** Gives the session a new id; some middlewares keep its data. */
  readonly regenerate: () => Promise<void> | void;
}

/** A middleware in a framework. */
export interface Middleware {
  /** Its column in docs/frameworks.md, where all frameworks share one. */
  readonly name: string;
  /** Where the page tells of it: the anchor of a heading. */
  readonly anchor: string;
  readonly framework: string;
  /** What is installed for it, by the names of test/frameworks/package.json. */
  readonly packages: readonly string[];
  /** What its cookie is called, if nobody says otherwise. */
  readonly cookieName: string;
  /** Whether the store can tie what the middleware holds, so that saves merge. */
  readonly ties: boolean;
  /** Whether a request that changes nothing keeps its session alive, without an option that says so. */
  readonly touches: boolean;
  /** Whether it judges the end of a session by itself, and asks the store to keep it for longer. */
  readonly judgesEnd: boolean;
  /** What it does not have, and why: a sentence or two in Markdown. */
  readonly lacks: Reasons;
  /** Why it does not do what most do. */
  readonly notes: Reasons;
  /** An app with the middleware in it. */
  start(options: AppOptions): Promise<App> | App;
}

type Reasons = Partial<Record<BehaviourKey, string>>;

export interface App {
  readonly listener: RequestListener;
  readonly close?: () => Promise<unknown>;
}
