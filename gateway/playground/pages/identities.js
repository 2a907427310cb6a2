// Whom to be, where the gateway offers identities to try (`bff dev` alone does).
//
// The rule: a bearer token is never stored. The tab remembers the name of who was chosen, and asks
// for a fresh token of that name when it is opened again, or when the old one has run out.

export class Identities {
  #address;
  #offered = [];

  // `address` is empty where there are none.
  constructor(address) {
    this.#address = address;
  }

  get names() {
    return this.#offered.map(({ name }) => name);
  }

  async load() {
    if (!this.#address) return;
    const response = await fetch(this.#address);
    if (response.ok) this.#offered = await response.json();
  }

  tokenOf(name) {
    return this.#offered.find((offered) => offered.name === name)?.token ?? null;
  }
}
