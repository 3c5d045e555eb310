// Sends the token of this tab with a request for the same page, and shows the response in its place.
const KEY = "flows-token";

const show = async () => {
  const token = sessionStorage.getItem(KEY);
  if (!token) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html", Authorization: `Bearer ${token}` } });
  if (response.status === 403) sessionStorage.removeItem(KEY);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.title = page.title;
  document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
};

document.addEventListener("submit", (event) => {
  const { signIn, signOut } = event.target.dataset;
  if (signIn === undefined && signOut === undefined) return;
  event.preventDefault();
  if (signIn === undefined) {
    sessionStorage.removeItem(KEY);
    location.reload();
  } else {
    sessionStorage.setItem(KEY, new FormData(event.target).get("token").trim());
    show();
  }
});

show();
