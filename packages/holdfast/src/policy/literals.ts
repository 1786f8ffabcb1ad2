/**
 * What the conditions of a rule look at, read from its Cedar tree: which attributes of `context`,
 * whether the agent, and the words that an attribute is compared with. Everything here errs towards
 * "it looks at it": a wrong "it does not" would let a decision be shared that must not be.
 */

import type { Rule } from './rule.ts';
import { ATTRIBUTES, type Attribute } from './schema.ts';

/** Operators whose parts are looked into one by one; any other is one comparison. */
const CONNECTIVES: readonly string[] = ['&&', '||', '!', 'if-then-else'];

export interface RuleView {
  readonly attributes: ReadonlySet<Attribute>;
  readonly looksAtAgent: boolean;
  /** At `resource.recovery`, whose figures change by the minute. */
  readonly looksAtRecovery: boolean;
  /** Words that `attribute` may be compared with, `like` patterns with their stars left out. */
  words(attribute: Attribute): readonly string[];
  /** Of these, the words of comparisons that look at nothing else: those it surely is compared with. */
  sureWords(attribute: Attribute): readonly string[];
}

export function viewOf(rule: Rule): RuleView {
  const bodies: unknown[] = rule.json.conditions.map((clause) => clause.body);
  const wordsOf = (attribute: Attribute, sure: boolean): readonly string[] => {
    const found = new Set<string>();
    for (const body of bodies) compared(body, attribute, sure, found);
    return [...found];
  };
  const { op } = rule.json.principal;
  return {
    attributes: new Set(ATTRIBUTES.filter((one) => bodies.some((body) => mentions(body, one)))),
    looksAtAgent:
      (op !== 'All' && op !== 'is') || bodies.some((body) => usesVar(body, 'principal')),
    looksAtRecovery: bodies.some((body) => reaches(body, 'recovery')),
    words: (attribute) => wordsOf(attribute, false),
    sureWords: (attribute) => wordsOf(attribute, true),
  };
}

function isRecord(node: unknown): node is Readonly<Record<string, unknown>> {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

function parts(node: unknown): readonly unknown[] {
  if (Array.isArray(node)) return node;
  return isRecord(node) ? Object.values(node) : [];
}

function isContext(node: unknown): boolean {
  return isRecord(node) && node['Var'] === 'context';
}

/** `context.attribute`, `context has attribute`, or `context` whole, anywhere below. */
function mentions(node: unknown, attribute: Attribute): boolean {
  if (isContext(node)) return true;
  if (isRecord(node)) {
    const access = node['.'] ?? node['has'];
    if (isRecord(access) && isContext(access['left'])) return names(access['attr'], attribute);
  }
  return parts(node).some((part) => mentions(part, attribute));
}

function names(attr: unknown, attribute: Attribute): boolean {
  return Array.isArray(attr) ? attr.includes(attribute) : attr === attribute;
}

/** An attribute of that name, of whatever it may be: Cedar has no other way to one than its name. */
function reaches(node: unknown, name: string): boolean {
  if (isRecord(node)) {
    const access = node['.'] ?? node['has'];
    const attr = isRecord(access) ? access['attr'] : null;
    if (Array.isArray(attr) ? attr.includes(name) : attr === name) return true;
  }
  return parts(node).some((part) => reaches(part, name));
}

function usesVar(node: unknown, name: string): boolean {
  if (isRecord(node) && node['Var'] === name) return true;
  return parts(node).some((part) => usesVar(part, name));
}

/** Collects the words of each comparison that mentions the attribute. */
function compared(node: unknown, attribute: Attribute, sure: boolean, found: Set<string>): void {
  if (!isRecord(node)) return;
  for (const [operator, operands] of Object.entries(node)) {
    if (CONNECTIVES.includes(operator)) {
      for (const part of parts(operands)) compared(part, attribute, sure, found);
    } else if (mentions(node, attribute)) {
      const looksAtMore = ATTRIBUTES.some((one) => one !== attribute && mentions(node, one));
      if (!sure || !looksAtMore) collect(node, found);
    }
  }
}

function collect(node: unknown, found: Set<string>): void {
  if (isRecord(node)) {
    if (typeof node['Value'] === 'string') found.add(node['Value']);
    const like = node['like'];
    if (isRecord(like)) found.add(literalOf(like['pattern']));
  }
  for (const part of parts(node)) collect(part, found);
}

function literalOf(pattern: unknown): string {
  return parts(pattern)
    .map((piece) =>
      isRecord(piece) && typeof piece['Literal'] === 'string' ? piece['Literal'] : '',
    )
    .join('');
}
