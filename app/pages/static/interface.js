// WebAuthn: what no form can do. The options of a field are given to the browser, and its credential is the field's value.

const fromBase64url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

const toBase64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const withIds = (credentials) => credentials?.map((one) => ({ ...one, id: fromBase64url(one.id) }));

const decoded = (options) => ({
  ...options,
  challenge: fromBase64url(options.challenge),
  ...(options.user && { user: { ...options.user, id: fromBase64url(options.user.id) } }),
  ...(options.excludeCredentials && { excludeCredentials: withIds(options.excludeCredentials) }),
  ...(options.allowCredentials && { allowCredentials: withIds(options.allowCredentials) }),
});

// The properties of the response that are bytes, by name; those of the other method are missing.
const BYTES = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

const encoded = ({ id, rawId, type, response }) => ({
  id,
  rawId: toBase64url(rawId),
  type,
  response: Object.fromEntries(
    BYTES.filter((name) => response[name]).map((name) => [name, toBase64url(response[name])]),
  ),
});

for (const field of document.querySelectorAll("[data-webauthn]")) {
  const failure = field.form.querySelector("[data-failure]");
  field.form.addEventListener("submit", async (event) => {
    if (field.value) return;
    event.preventDefault();
    failure.hidden = true;
    try {
      const publicKey = decoded(JSON.parse(field.dataset.options));
      field.value = JSON.stringify(encoded(await navigator.credentials[field.dataset.webauthn]({ publicKey })));
      field.form.submit();
    } catch (error) {
      failure.textContent = `The browser did not use the security key: ${error.message}`;
      failure.hidden = false;
    }
  });
}
