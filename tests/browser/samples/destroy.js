hstRtcEngine.destroy();
hstRtcEngine = null;
