"""A publisher by WHIP or a player by WHEP that is made of GStreamer's webrtcbin.

    gstreamer_peer.py publish|play URL TOKEN PEM|own [ADDRESS]

PEM is a file with a key and its certificate; `own` is the certificate that webrtcbin makes by itself, whose key is of RSA.
With an address of this machine it uses only that one, which may be of loopback.

It prints "flowing" when sound and picture flow, goes on until its standard input ends, deletes its resource, and prints
what it counted as JSON.
"""

import base64
import hashlib
import json
import re
import sys
import threading
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

# So many buffers of each kind are a second's.
SECOND = {"audio": 50, "video": 30}
SOUND = "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,encoding-params=(string)2"
PICTURE = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
PUBLISH = f"""
    webrtcbin name=peer
    videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1
        ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 ! rtpvp8pay picture-id-mode=15-bit name=video ! {PICTURE} ! peer.
    audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! rtpopuspay name=audio ! {SOUND} ! peer.
"""


class Peer:
    def __init__(self, role, url, token, pem, address=None):
        self.url, self.token = url, token
        self.loop = GLib.MainLoop()
        self.counted = {kind: 0 for kind in SECOND}
        self.flows = False
        self.pipeline = Gst.parse_launch(PUBLISH) if role == "publish" else Gst.Pipeline.new()
        if role == "play":
            self.pipeline.add(Gst.ElementFactory.make("webrtcbin", "peer"))
        self.peer = self.pipeline.get_by_name("peer")
        self.peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        # It goes when nobody here has it.
        self.agent = self.peer.get_property("ice-agent")
        if address:
            self.agent.emit("add-local-ip-address", address)
        self.fingerprint = None
        if pem != "own":
            with open(pem, encoding="ascii") as file:
                pem = file.read()
            self.fingerprint = fingerprint(pem)
            self.pipeline.connect("deep-element-added", lambda _bin, _sub, element: certify(element, pem))
        self.peer.connect("on-negotiation-needed", lambda _: self.offer())
        self.peer.connect("notify::ice-gathering-state", lambda *_: self.gathered())
        self.peer.connect("pad-added", lambda _, pad: self.play(pad))
        if role == "play":
            direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            for caps in (SOUND, PICTURE):
                self.peer.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
        else:
            for kind in SECOND:
                self.count(kind, self.pipeline.get_by_name(kind).get_static_pad("src"))

    def offer(self):
        def made(promise):
            # The description lives as long as the reply.
            reply = promise.get_reply()
            self.peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

        self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(made))

    def gathered(self):
        if self.peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            offer = self.peer.get_property("local-description").sdp.as_text()
            if self.fingerprint:
                offer = re.sub("(a=fingerprint:sha-256 )[0-9A-F:]+", rf"\g<1>{self.fingerprint}", offer)
            threading.Thread(target=self.begin, args=[offer], daemon=True).start()

    def begin(self, offer):
        _, headers, answer = self.ask("POST", self.url, offer)
        self.resource = urllib.parse.urljoin(self.url, headers["Location"])
        _, answer = GstSdp.SDPMessage.new_from_text(answer)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, answer)
        self.peer.emit("set-remote-description", answer, Gst.Promise.new())

    def ask(self, method, url, body=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/sdp"}
        request = urllib.request.Request(url, method=method, headers=headers, data=body and body.encode())
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, response.read().decode()

    def play(self, pad):
        """Decodes what comes, so that what is counted are frames that can be played."""
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        steps = "rtpopusdepay ! opusdec" if kind == "audio" else "rtpvp8depay ! vp8dec"
        player = Gst.parse_bin_from_description(f"queue ! {steps} ! fakesink name=sink sync=false", True)
        self.pipeline.add(player)
        player.sync_state_with_parent()
        self.count(kind, player.get_by_name("sink").get_static_pad("sink"))
        pad.link(player.get_static_pad("sink"))

    def count(self, kind, pad):
        def counted(_pad, _info):
            state = GstWebRTC.WebRTCPeerConnectionState.CONNECTED
            if self.peer.get_property("connection-state") == state:
                self.counted[kind] += 1
                if all(self.counted[kind] >= SECOND[kind] for kind in SECOND) and not self.flows:
                    self.flows = True
                    print("flowing", flush=True)
            return Gst.PadProbeReturn.OK

        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, counted)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.end, daemon=True).start()
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)

    def end(self):
        sys.stdin.read()
        status, _, _ = self.ask("DELETE", self.resource)
        print(json.dumps({"counted": self.counted, "deleted": status}), flush=True)
        self.loop.quit()


def certify(element, pem):
    factory = element.get_factory()
    if factory and factory.get_name() == "dtlssrtpdec":
        element.set_property("pem", pem)


def fingerprint(pem):
    """That of the certificate alone: webrtcbin writes one of all that is in the file."""
    _, certificate = pem.split("-----BEGIN CERTIFICATE-----")
    der = base64.b64decode(certificate.split("-----END CERTIFICATE-----")[0])
    return hashlib.sha256(der).digest().hex(":").upper()


Gst.init(None)
Peer(*sys.argv[1:]).run()
