#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's Prometheus scrapes what revokectl exports, and is asked what the dashboard
# asks: each query must have data. The numbers are those of test_export, which runs the
# exporter's own code; they grow with each scrape, as on a machine where things happen.
# The alerts are loaded, too. O is the build directory.
#
# Must never leave Prometheus running, nor wait for a time instead of a condition.
import http.server
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

TOP = os.path.dirname(os.path.abspath(__file__)) + "/../.."
EXPORT = os.environ["O"] + "/unit/test_export"
LIMIT = 90  # seconds for all of it; it takes 7
begun = time.monotonic()
points = []


def ok(good, name, *why):
    points.append(good)
    print(f"{'ok' if good else 'not ok'} {len(points)} - {name}", flush=True)
    for line in () if good else why:
        print(f"# {line}")
    return good


class Metrics(http.server.BaseHTTPRequestHandler):
    """The node exporter, as far as our file is concerned."""
    scrapes = 0

    def do_GET(self):
        Metrics.scrapes += 1
        text = subprocess.check_output([EXPORT, str(Metrics.scrapes)])
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


def wait_for(condition):
    """Until it is true; fails at the limit."""
    while not condition():
        if time.monotonic() - begun > LIMIT:
            return False
        time.sleep(0.05)
    return True


class Prometheus:
    def __init__(self, target, directory):
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                  "rule_files": [TOP + "/tools/metrics/pin-revoke.rules.yml"],
                  "scrape_configs": [{"job_name": "node", "static_configs":
                                      [{"targets": [target]}]}]}
        with open(directory + "/config", "w", encoding="utf-8") as file:
            json.dump(config, file)  # which is YAML, too
        self.log = directory + "/log"
        self.address = None
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=" + directory + "/config",
                 "--storage.tsdb.path=" + directory + "/data",
                 "--web.listen-address=127.0.0.1:0"], stdout=log, stderr=log)

    def end(self):
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def ready(self):
        """It says which port it was given, and then that it is ready."""
        at = re.search(r"Listening on.* address=(127\.0\.0\.1:\d+)", self.said())
        self.address = at and at[1]
        try:
            return self.address and self.get("/-/ready") is not None
        except OSError:
            return False

    def get(self, path, **words):
        url = f"http://{self.address}{path}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()

    def api(self, path, **words):
        try:
            answer = json.loads(self.get("/api/v1/" + path, **words))
        except urllib.error.HTTPError as error:
            answer = json.load(error)
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        return answer["data"]

    def has_data(self, query):
        """Is there a series, and in one of them a number?"""
        return any(not math.isnan(float(series["value"][1]))
                   for series in self.api("query", query=query)["result"])


def queries(dashboard, prometheus):
    """What each panel asks, with the variables as Grafana fills them in."""
    values = {"__rate_interval": "8s"}  # eight scrapes; some may be late
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)",
                                         variable["query"]).groups()
            found = prometheus.api(f"label/{label}/values", **{"match[]": metric})
            values[variable["name"]] = "|".join(re.escape(value) for value in found)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield (f"{panel['title']}, {target['refId']}",
                   re.sub(r"\$(\w+)", lambda name: values[name[1]].replace("\\", r"\\"),
                          target["expr"]))


def test(prometheus):
    if not ok(wait_for(prometheus.ready), "Prometheus is ready", prometheus.said()):
        return
    # Some rates want two scrapes.
    ok(wait_for(lambda: prometheus.has_data("increase(pin_revoke_requests_total[8s]) > 0")),
       "it scrapes, and counters grow", prometheus.said())
    ok(not prometheus.api("query", query="pin_revoke_no_such_metric")["result"],
       "a metric that nobody exports has no data")
    with open(TOP + "/tools/metrics/pin-revoke-dashboard.json", encoding="utf-8") as file:
        dashboard = json.load(file)
    asked = list(queries(dashboard, prometheus))
    ok(len(asked) >= len(dashboard["panels"]) > 10, "every panel asks for something")
    for name, query in asked:
        try:
            ok(wait_for(lambda q=query: prometheus.has_data(q)), f"data: {name}", query)
        except ValueError as error:
            ok(False, f"data: {name}", query, error)

    def rules():
        return [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    ok(wait_for(lambda: all(rule["health"] != "unknown" for rule in rules())) and rules() and
       all(rule["health"] == "ok" for rule in rules()), "alerts: all can be evaluated", rules())
    firing = {rule["name"] for rule in rules() if rule["state"] != "inactive"}
    ok("PinRevokeOverdue" in firing and "PinRevokeAbsent" not in firing,
       "alerts: of what is overdue, and of no module that is there", firing)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    print("TAP version 13")
    server = http.server.HTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as directory:
        prometheus = Prometheus(f"127.0.0.1:{server.server_port}", directory)
        try:
            test(prometheus)
        finally:
            status = prometheus.end()
        ok(status == 0, "Prometheus ends", prometheus.said())
    print(f"1..{len(points)}")
    print(f"# {time.monotonic() - begun:.1f} s")
    return 0 if all(points) else 1


sys.exit(main())
