import type { ModelRegistry } from "./model.ts";
import { PolicyCache } from "./policy-cache.ts";
import type { ResourceType, Service } from "./service.ts";

/** All services of a platform with their models and states. */
export interface Registry {
  readonly models: ModelRegistry;
  readonly services: readonly Service[];
  service(name: string): Service | undefined;
  /** The implementation of a CloudFormation resource type. */
  resourceType(type: string): ResourceType | undefined;
  resourceTypes(): readonly string[];
  readonly policies: PolicyCache;
  /** What a service's `start` made. */
  state(service: string): unknown;
  setState(service: string, state: unknown): void;
}

/** Throws where two services have one name or two resource types one type. */
export function createRegistry(services: readonly Service[], models: ModelRegistry): Registry {
  const byName = new Map<string, Service>();
  const types = new Map<string, ResourceType>();
  const states = new Map<string, unknown>();
  for (const service of services) {
    if (byName.has(service.name)) throw new Error(`two services are called ${service.name}`);
    byName.set(service.name, service);
    for (const type of service.resources) {
      if (types.has(type.type)) throw new Error(`two resource types are called ${type.type}`);
      types.set(type.type, type);
    }
  }
  return {
    models,
    services,
    policies: new PolicyCache(),
    service: (name) => byName.get(name),
    resourceType: (type) => types.get(type),
    resourceTypes: () => [...types.keys()].sort(),
    state: (service) => states.get(service),
    setState: (service, state) => void states.set(service, state),
  };
}
