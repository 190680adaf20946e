hstRtcEngine.init()
.then(() => {
	console.log("Init success.");
})
.catch(() => {
	console.log("Init failed!");
})
