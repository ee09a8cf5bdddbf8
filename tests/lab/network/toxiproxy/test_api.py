"""The API over real sockets: Toxiproxy's own clients, status codes and bodies, and who is not let in."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from support.commands import Running
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

NODE_CLIENT = """
const {Toxiproxy} = require("toxiproxy-node-client");
(async () => {
  const api = new Toxiproxy(process.argv[1]);
  const proxy = await api.createProxy({name: "node", listen: "127.0.0.1:0", upstream: "127.0.0.1:9"});
  const toxic = await proxy.addToxic({name: "slow", type: "latency", stream: "downstream", toxicity: 1,
                                      attributes: {latency: 10, jitter: 1}});
  const changed = await toxic.update({...toxic.toJson(), attributes: {latency: 20, jitter: 2}});
  const again = await api.populate([{name: "node", listen: proxy.listen, upstream: proxy.upstream}]);
  const kept = await again.node.getToxic("slow");
  await kept.remove();
  await (await again.node.update({...proxy.toJson(), enabled: false})).remove();
  await api.reset();
  const refused = await api.get("node").catch(error => String(error));
  console.log(JSON.stringify([changed.attributes, kept.toxicity, Object.keys(await api.getAll()), refused]));
})().catch(error => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with Running("lab", "toxiproxy", "--port", "0", "--seed", "1") as command:
        yield f"http://127.0.0.1:{command.port}"


@pytest.fixture
def fresh(api: str) -> Iterator[str]:
    yield api
    for name in requests.get(f"{api}/proxies").json():
        requests.delete(f"{api}/proxies/{name}")


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says what it hears."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    try:
                        while data := peer.recv(4096):
                            peer.sendall(data)
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_the_python_client_works_against_it(fresh: str, echo: int) -> None:
    client = Toxiproxy()
    client.update_api_consumer("127.0.0.1", int(fresh.rpartition(":")[2]))
    assert client.running()
    assert json.loads(client.version())["version"]
    proxy = client.create(upstream=f"127.0.0.1:{echo}", name="echo")
    with pytest.raises(ProxyExists):
        client.create(upstream=f"127.0.0.1:{echo}", name="echo")
    host, _, port = proxy.listen.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=10)) as line:
        line.sendall(b"hello")
        assert line.recv(5) == b"hello"
        proxy.add_toxic(type="limit_data", attributes={"bytes": 3})
        assert proxy.get_toxic("limit_data_downstream").attributes == {"bytes": 3}
        line.sendall(b"hello")
        assert line.recv(5) + line.recv(5) == b"hel"
        assert line.recv(5) == b""
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="lightning")
    proxy.destroy_toxic("limit_data_downstream")
    assert proxy.toxics() == {}
    with pytest.raises(NotFound):
        proxy.destroy_toxic("limit_data_downstream")
    with proxy.down():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))
    with closing(socket.create_connection((host, int(port)), timeout=10)) as line:
        line.sendall(b"again")
        assert line.recv(5) == b"again"
    proxy.add_toxic(type="reset_peer", stream="upstream")
    # Perhaps before connect() has returned.
    with pytest.raises(ConnectionResetError):
        with closing(socket.create_connection((host, int(port)), timeout=10)) as line:
            line.recv(1)
    assert client.reset()
    assert client.get_proxy("echo").toxics() == {}
    client.destroy_all()
    assert client.proxies() == {}


def test_the_node_client_works_against_it(fresh: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    if subprocess.run([node, "-e", "require('toxiproxy-node-client')"], capture_output=True, check=False).returncode:
        pytest.skip("node has no toxiproxy-node-client")
    done = subprocess.run(
        [node, "-e", NODE_CLIENT, fresh], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    attributes, toxicity, left, refused = json.loads(done.stdout)
    assert (attributes, toxicity, left) == ({"latency": 20, "jitter": 2}, 1, [])
    assert "404" in refused


def test_status_codes_and_bodies(fresh: str) -> None:
    def ask(method: str, path: str, body: object = None) -> tuple[int, object]:
        answer = requests.request(method, fresh + path, json=body)
        return answer.status_code, answer.json() if answer.content else None

    made = {"name": "one", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}
    status, shown = ask("POST", "/proxies", made)
    assert status == 201
    port = shown["listen"].rpartition(":")[2]
    assert shown == {**made, "listen": f"127.0.0.1:{port}", "enabled": True, "toxics": []}
    assert ask("POST", "/proxies", made) == (409, {"error": "proxy already exists", "status": 409})
    assert ask("GET", "/proxies") == (200, {"one": shown})
    assert ask("GET", "/proxies/two") == (404, {"error": "proxy not found", "status": 404})
    toxic = {"type": "latency", "attributes": {"latency": 5}}
    whole = {"name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": {"latency": 5, "jitter": 0}}
    assert ask("POST", "/proxies/one/toxics", toxic) == (200, whole)
    assert ask("POST", "/proxies/one/toxics", toxic)[0] == 409
    assert ask("GET", "/proxies/one/toxics") == (200, [whole])
    assert ask("GET", "/proxies/one/toxics/latency_downstream") == (200, whole)
    changed = {**whole, "toxicity": 0.5}
    assert ask("PATCH", "/proxies/one/toxics/latency_downstream", {"toxicity": 0.5}) == (200, changed)
    assert ask("PATCH", "/proxies/one", {"enabled": False})[1]["enabled"] is False
    assert ask("POST", "/proxies/one", {"enabled": True})[1]["toxics"] == [changed]
    assert ask("DELETE", "/proxies/one/toxics/latency_downstream") == (204, None)
    assert ask("DELETE", "/proxies/one/toxics/latency_downstream")[0] == 404
    assert ask("POST", "/populate", [{**made, "listen": f"127.0.0.1:{port}"}])[0] == 201
    assert ask("POST", "/populate", {})[0] == 400
    assert ask("POST", "/reset") == (204, None)
    assert ask("DELETE", "/proxies/one") == (204, None)
    assert ask("PUT", "/proxies")[0] == 405
    assert ask("GET", "/nothing")[0] == 404
    broken = requests.post(f"{fresh}/proxies", data="{")
    assert (broken.status_code, broken.json()["error"][:17]) == (400, "bad request body:")
    deep = requests.post(f"{fresh}/populate", data="[" * 100_000)
    assert (deep.status_code, deep.json()["error"][:17]) == (400, "bad request body:")


def test_a_port_that_is_taken_is_told(fresh: str, echo: int) -> None:
    answer = requests.post(f"{fresh}/proxies", json={"name": "x", "listen": f"127.0.0.1:{echo}", "upstream": "a:1"})
    assert answer.status_code == 500
    assert answer.json()["error"].startswith(f"listen tcp 127.0.0.1:{echo}: ")
    assert requests.get(f"{fresh}/proxies").json() == {}


def test_metrics_are_for_prometheus(fresh: str) -> None:
    requests.post(f"{fresh}/proxies", json={"name": 'a"b', "upstream": "127.0.0.1:9"})
    answer = requests.get(f"{fresh}/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="127.0.0.1:' in answer.text
    assert 'proxy="a\\"b",upstream="127.0.0.1:9"} 0\n' in answer.text


@pytest.mark.parametrize(
    "headers", [{"User-Agent": "Mozilla/5.0 (X11)"}, {"Host": "evil.example:8474"}, {"Host": "evil.example"}]
)
def test_browsers_and_foreign_names_are_not_let_in(fresh: str, headers: dict[str, str]) -> None:
    assert requests.get(f"{fresh}/proxies", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:99", "[::1]", "[::1]:8474"])
def test_this_machines_names_are(fresh: str, host: str) -> None:
    assert requests.get(f"{fresh}/version", headers={"Host": host}).status_code == 200
