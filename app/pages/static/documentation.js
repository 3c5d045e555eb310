// Starts Swagger UI. It stands in a file of its own, as no page may have a script inside it.
const place = document.getElementById("swagger-ui");
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

// Swagger UI fills in the examples of all filters, and nothing is found by all of them at once.
const withoutFilters = (contract) => {
  const items = Object.values(contract.paths);
  const parameters = [...items, ...items.flatMap(Object.values)].flatMap((part) => part.parameters ?? []);
  for (const parameter of [...parameters, ...Object.values(contract.components?.parameters ?? {})]) {
    if (parameter.in === "query" && !parameter.required) delete parameter.example;
  }
  return contract;
};

const start = async () => {
  const answer = await fetch(place.dataset.contract);
  SwaggerUIBundle({
    domNode: place,
    spec: withoutFilters(await answer.json()),
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    persistAuthorization: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
};

dark.addEventListener("change", follow);
follow();
start();
