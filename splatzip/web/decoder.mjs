// src/decoder/module.ts
var e = class {
	call;
	constructor(e) {
		this.call = new WebAssembly.Instance(e, {}).exports, this.call._initialize();
	}
	crc32(e) {
		return this.withBlocks((t) => this.call.crc32(t.put(e), e.length)) >>> 0;
	}
	withBlocks(e) {
		let n = new t(this.call);
		try {
			return e(n);
		} finally {
			n.free();
		}
	}
}, t = class {
	#e;
	#t = [];
	constructor(e) {
		this.#e = e;
	}
	room(e) {
		let t = this.#e.splatzip_alloc(e);
		return this.#t.push(t), t;
	}
	zeros(e) {
		let t = this.room(e);
		return new Uint8Array(this.#e.memory.buffer, t, e).fill(0), t;
	}
	put(e) {
		let t = this.room(e.byteLength), n = new Uint8Array(e.buffer, e.byteOffset, e.byteLength);
		return new Uint8Array(this.#e.memory.buffer, t, n.length).set(n), t;
	}
	floats(e, t) {
		return new Float32Array(new Float32Array(this.#e.memory.buffer, e, t));
	}
	words(e, t) {
		return new Uint32Array(new Uint32Array(this.#e.memory.buffer, e, t));
	}
	bytes(e, t) {
		return new Uint8Array(new Uint8Array(this.#e.memory.buffer, e, t));
	}
	free() {
		for (let e of this.#t) this.#e.splatzip_free(e);
		this.#t.length = 0;
	}
}, n = 60, r = "it must lie beside viewer.js, or where findPartsIn says";
function i(e, t) {
	return new a(e, t);
}
var a = class {
	#e;
	#t;
	#n = !0;
	#r = !1;
	#i;
	constructor(e, t) {
		this.#t = e, this.#e = t.startWorker(), this.#e.onmessage = ({ data: e }) => {
			this.#r = !0, clearTimeout(this.#i), e !== "started" && this.#o(e);
		}, this.#e.onerror = ({ message: e }) => {
			this.#r ? this.#s("InternalError", e ?? "its worker ended") : e ? this.#s("PartsError", `worker.js did not start; ${r} (${e})`) : this.#s("PartsError", `worker.js cannot be fetched: there is no connection, or ${r}`);
		};
		let i = () => this.#s("PartsError", `worker.js has not come: nothing for ${n} seconds`);
		this.#i = setTimeout(i, 1e3 * n), this.#a = t.decoder().then((e) => this.#e.postMessage({ module: e }), (e) => this.#s("PartsError", e instanceof Error ? e.message : String(e)));
	}
	#a;
	push(e, t) {
		this.#a.then(() => {
			this.#n && this.#e.postMessage({
				bytes: e,
				offset: t
			}, [e.buffer]);
		});
	}
	end() {
		this.#a.then(() => {
			this.#n && this.#e.postMessage("end");
		});
	}
	close() {
		this.#n = !1, clearTimeout(this.#i), this.#e.terminate();
	}
	#o(e) {
		this.#n && this.#t(e), (e.type === "end" || e.type === "failure") && this.close();
	}
	#s(e, t) {
		this.#o({
			type: "failure",
			error: e,
			message: t
		});
	}
}, o = class {
	#e = [];
	get whole() {
		return this.#n(0);
	}
	add(e, t) {
		let n = t + e.length, r = t;
		for (let i = this.#t(t); r < n; i++) {
			let a = this.#e[i], o = Math.min(n, a?.start ?? n);
			if (o > r) {
				let n = e.subarray(r - t, o - t);
				this.#e.splice(i, 0, {
					start: r,
					end: o,
					bytes: n,
					left: n.length
				}), i++;
			}
			r = Math.max(r, a?.end ?? n);
		}
	}
	has(e, t) {
		return t === 0 || this.#n(e) >= e + t;
	}
	peek(e, t) {
		let n = Math.min(e + t, Math.max(e, this.#n(e))), r = new Uint8Array(n - e);
		return this.#r(e, n, (t, n, i) => {
			t.bytes && r.set(t.bytes.subarray(n - t.start, i - t.start), n - e);
		}), r;
	}
	take(e, t) {
		let n = this.#e[this.#t(e)], r = n?.bytes && n.start <= e && e + t <= n.end ? n.bytes.subarray(e - n.start, e - n.start + t) : this.peek(e, t);
		return this.#r(e, e + t, (e, t, n) => {
			e.left -= n - t, e.left <= 0 && (e.bytes = null);
		}), r;
	}
	#t(e) {
		let t = 0, n = this.#e.length;
		for (; t < n;) {
			let r = t + n >> 1;
			this.#e[r].end > e ? n = r : t = r + 1;
		}
		return t;
	}
	#n(e) {
		let t = e;
		for (let n = this.#t(e); n < this.#e.length; n++) {
			let e = this.#e[n];
			if (e.start > t) break;
			t = e.end;
		}
		return t;
	}
	#r(e, t, n) {
		for (let r = this.#t(e); r < this.#e.length; r++) {
			let i = this.#e[r];
			if (i.start >= t) break;
			n(i, Math.max(e, i.start), Math.min(t, i.end));
		}
	}
}, s = class extends Error {
	name;
	constructor(e, t) {
		super(t), this.name = e;
	}
}, c = (e) => new s("CorruptError", e), l = (e) => new s("TruncatedError", e), u = (e) => new s("UnsupportedFeatureError", e), d = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)/gs, f = 500;
function p(e, t, { wrapReals: n = !1 } = {}) {
	let r;
	try {
		let t = new TextDecoder("utf-8", {
			fatal: !0,
			ignoreBOM: !0
		}).decode(e);
		r = JSON.parse(n ? t.replace(d, (e) => e.startsWith("\"") ? e : `{"~real":${e}}`) : t);
	} catch {
		throw c(`${t}: it is not JSON`);
	}
	if (g(r, t, 0), !m(r)) throw c(`${t}: it is not a JSON object`);
	return r;
}
function m(e) {
	return typeof e == "object" && !!e && !Array.isArray(e);
}
function h(e) {
	let t = m(e) && "~real" in e ? e["~real"] : e;
	return typeof t == "number" ? t : void 0;
}
function g(e, t, n) {
	if (n > f) throw c(`${t}: it is not JSON: it is nested too deeply`);
	if (typeof e == "number" && !Number.isFinite(e)) throw c(`${t}: a number is too large`);
	if (typeof e == "object" && e) for (let r of Object.values(e)) g(r, t, n + 1);
}
// src/decoder/columns/dequantize.ts
var _ = [
	"LDB",
	"RDB",
	"LUB",
	"RUB",
	"LDF",
	"RDF",
	"LUF",
	"RUF",
	"LFD",
	"RFD",
	"LFU",
	"RFU",
	"LBD",
	"RBD",
	"LBU",
	"RBU"
], ee = 34028234663852886e22;
function te(e, t) {
	let n = ne[t.format];
	if (!n) throw new s("UnsupportedFeatureError", `no dequantizer for the source format '${t.format}'`);
	return n(e, t);
}
var ne = {
	float32: ({ call: e }, { codes: t }) => {
		let n = [
			"positions",
			"log_scales",
			"rotations",
			"opacity_logits",
			"sh"
		], r = y("sh", t, [
			3,
			12,
			27,
			48,
			75
		]) / 3 - 1, i = [
			3,
			3,
			4,
			1,
			3 * (1 + r)
		];
		return n.forEach((e, n) => v(t, e, "uint32", i[n])), {
			coefficients: r,
			run: ({ n: t, at: r, coefficients: a }, o, s) => {
				let c = new Uint32Array(e.memory.buffer), l = s >> 2;
				return n.forEach((e, n) => {
					let o = t * (e === "sh" ? 3 * (1 + a) : i[n]);
					c.copyWithin(l, r(e) >> 2, (r(e) >> 2) + o), l += o;
				}), 0;
			}
		};
	},
	spz: ({ call: e }, { version: t, codes: n, header: r }) => {
		let { sh_degree: i, fractional_bits: a, axes: o = "RUB" } = r, s = _.indexOf(o) + 1;
		if (![
			1,
			2,
			3,
			4
		].includes(t)) throw S(`SPZ version ${t} is not known; 1 to 4 are`);
		if (!x(i, 4) || !x(a, 30) || s === 0) throw S("an SPZ header field is out of its range");
		let c = (i + 1) ** 2 - 1;
		v(n, "positions", t === 1 ? "uint16" : "uint32", 3), v(n, "alphas", "uint8", 1);
		for (let e of ["colors", "scales"]) v(n, e, "uint8", 3);
		return t >= 3 ? v(n, "rotations", "uint32", 1) : v(n, "rotations", "uint8", 3), v(n, "sh", "uint8", 3 * c), {
			coefficients: c,
			run: ({ n, at: r, coefficients: o }, c, l) => {
				let [u, d] = [r("positions"), r("rotations")];
				return e.dequantize_spz(n, t === 1 ? 0 : u, t === 1 ? u : 0, r("alphas"), r("colors"), r("scales"), t >= 3 ? d : 0, t >= 3 ? 0 : d, o > 0 ? r("sh") : 0, a, o > 0 ? i : 0, s, l);
			}
		};
	},
	sog: ({ call: e }, { version: t, codes: n, tables: r }) => {
		if (t !== 1 && t !== 2) throw S(`SOG version ${t} is not 1 or 2`);
		v(n, "positions", "uint16", 3), v(n, "rotations", "uint8", 4), v(n, "scales", "uint8", 3), v(n, "colors", "uint8", 4);
		let i = n.has("labels");
		i && v(n, "labels", "uint16", 1);
		let a = t === 1 ? [
			6,
			6,
			8,
			2
		] : [
			6,
			256,
			256,
			256
		], o = [
			"means",
			"scales",
			"sh0",
			"shN"
		].map((e, t) => e === "shN" && !i ? /* @__PURE__ */ new Float64Array(256) : ie(r, e, a[t]));
		return {
			coefficients: 0,
			run: ({ n, at: r, coefficients: i, palette: a }, s, c) => {
				let [l, u, d, f] = o.map((e) => s.put(e)), p = i > 0 && a ? a.length / (3 * i) : 0, m = i > 0 ? r("labels") : 0;
				return e.dequantize_sog(t, n, r("positions"), r("rotations"), r("scales"), r("colors"), m, p > 0 && a ? s.put(a) : 0, p, i, l, u, d, f, c);
			}
		};
	},
	compressed_ply: ({ call: e }, { version: t, codes: n, tables: r }) => {
		if (t !== 1) throw S(`compressed.ply version ${t} is not 1`);
		for (let e of [
			"position",
			"rotation",
			"scale",
			"color"
		]) v(n, e, "uint32", 1);
		let i = n.has("sh") ? y("sh", n, [
			9,
			24,
			45
		]) / 3 : 0;
		i > 0 && v(n, "sh", "uint8", 3 * i);
		let a = b(r, "chunks", "float32", 2), [o, s] = a.shape;
		if (s !== 12 && s !== 18) throw S(`a chunk of the compressed.ply source has ${s} bounds`);
		return {
			coefficients: i,
			run: ({ n: t, at: n, coefficients: r, prefix: i }, c, l) => e.dequantize_compressed_ply(t, n("position"), n("rotation"), n("scale"), n("color"), r > 0 ? n("sh") : 0, r, c.put(a.bytes), o, s, i, l)
		};
	},
	splat: ({ call: e }, { version: t, codes: n }) => {
		if (t !== 1) throw S(`.splat version ${t} is not 1`);
		for (let e of ["positions", "scales"]) v(n, e, "uint32", 3);
		for (let e of ["colors", "rotations"]) v(n, e, "uint8", 4);
		return {
			coefficients: 0,
			run: ({ n: t, at: n }, r, i) => e.dequantize_splat(t, n("positions"), n("scales"), n("colors"), n("rotations"), i)
		};
	},
	ksplat: ({ call: e }, { version: t, codes: n, tables: r, header: i }) => {
		let a = i.compression_level, o = [h(i.sh_min), h(i.sh_max)];
		if (t !== 1 || !x(a, 2)) throw S("this version and compression level of .ksplat are not known");
		if (o.some((e) => e === void 0 || Math.abs(e) > ee)) throw S("the SH range of the .ksplat source is not finite");
		let s = a === 0 ? "uint32" : "uint16";
		for (let e of ["positions", "scales"]) v(n, e, s, 3);
		v(n, "rotations", s, 4), v(n, "colors", "uint8", 4), v(n, "buckets", "uint32", 1);
		let c = n.has("sh") ? y("sh", n, [
			0,
			9,
			24
		]) / 3 : 0;
		n.has("sh") && v(n, "sh", [
			"uint32",
			"uint16",
			"uint8"
		][a], 3 * c);
		let l = re(r, "bucket_sections", "uint32"), u = l.shape[0], d = re(r, "block_sizes", "float32"), f = d.shape[0], p = b(r, "bucket_centers", "float32", 2, [u, 3]), [m, g] = ["ranges", "sh_degrees"].map((e) => b(r, e, "uint32", 1, [f]));
		return {
			coefficients: c,
			run: ({ n: t, at: n, coefficients: r, prefix: i }, s, c) => {
				let h = (e) => s.put(e.bytes), _ = r > 0 ? h(g) : s.zeros(4 * f);
				return e.dequantize_ksplat(t, a, n("positions"), n("scales"), n("rotations"), r > 0 ? n("sh") : 0, n("colors"), i === 0 ? n("buckets") : i, u, h(p), h(l), f, h(d), h(m), _, r, s.put(Float64Array.from(o)), c);
			}
		};
	}
};
function v(e, t, n, r) {
	let i = e.get(t);
	if (!i) throw S(`the source has no array '${t}'`);
	if (i.dtype !== n || i.columns !== r) throw S(`array '${t}' of the source is ${i.columns} ${i.dtype}, expected ${r} ${n}`);
}
function y(e, t, n) {
	let r = t.get(e)?.columns ?? -1;
	if (!n.includes(r)) throw S(`the source has ${r} values of '${e}' a splat`);
	return r;
}
function b(e, t, n, r, i) {
	let a = e.get(t);
	if (!a) throw S(`the source has no array '${t}'`);
	let o = a.shape.length === r && (!i || i.every((e, t) => a.shape[t] === e));
	if (a.dtype !== n || !o) throw S(`array '${t}' of the source is ${a.shape.join("x")} ${a.dtype}`);
	return a;
}
function re(e, t, n) {
	return b(e, t, n, 1);
}
function ie(e, t, n) {
	let r = e.get(t);
	if (!r) throw S(`the source has no array '${t}'`);
	let i = r.dtype === "uint64", { bytes: a, shape: o } = b(e, t, i ? "uint64" : "float32", n === 256 ? 1 : 2);
	if (o.reduce((e, t) => e * t, 1) !== n || o.length === 2 && o[0] !== 2) throw S(`array '${t}' of the source is ${o.join("x")}`);
	return i ? new Float64Array(a.buffer) : Float64Array.from(new Float32Array(a.buffer));
}
function x(e, t) {
	return typeof e == "number" && Number.isInteger(e) && e >= 0 && e <= t;
}
var S = (e) => new s("FormatError", e), C = {
	uint8: 1,
	uint16: 2,
	uint32: 4,
	uint64: 8,
	float32: 4
}, w = [
	0,
	1,
	2
], ae = [
	[30, 2],
	[20, 10],
	[10, 10],
	[0, 10]
];
function oe(e, t, n) {
	let r = se[e];
	if (!r) throw u(`the source format '${e.slice(0, 40)}' is not known; a newer decoder may read it`);
	return r(t, n);
}
var se = {
	spz: (e, t) => ({
		coordinates: E("positions", w, e === 1 ? 16 : 32, { folded: e === 1 }),
		components: [
			...E("scales", w, 8),
			...E("alphas", [0], 8),
			...E("colors", [
				1,
				0,
				2
			], 8),
			...e >= 3 ? ce("rotations") : E("rotations", w, 8),
			...E("sh", T(O(t)), 8, { layer: 1 })
		]
	}),
	sog: (e, t) => ({
		coordinates: E("positions", w, 16),
		components: [
			...E("scales", w, 8),
			...E("colors", [
				3,
				0,
				1,
				2
			], 8),
			...E("rotations", [
				3,
				0,
				1,
				2
			], 8),
			...t.has("labels") ? D("labels", [[8, 8], [0, 8]], { layer: 1 }) : []
		]
	}),
	compressed_ply: (e, t) => ({
		coordinates: D("position", [
			[21, 11],
			[11, 10],
			[0, 11]
		]),
		components: [
			...D("scale", [
				[21, 11],
				[11, 10],
				[0, 11]
			]),
			...D("color", [
				[0, 8],
				[16, 8],
				[24, 8],
				[8, 8]
			]),
			...D("rotation", ae),
			...E("sh", T(O(t), !0), 8, { layer: 1 })
		],
		prefixShift: 11
	}),
	splat: () => ({
		coordinates: E("positions", w, 32, { folded: !0 }),
		components: [
			...E("scales", w, 32, { folded: !0 }),
			...E("colors", [
				3,
				1,
				0,
				2
			], 8),
			...E("rotations", [
				0,
				1,
				2,
				3
			], 8)
		]
	}),
	ksplat: (e, t) => {
		let n = le(t, "positions").dtype === "uint32", r = n ? 32 : 16, i = 8 * C[t.get("sh")?.dtype ?? "uint8"];
		return {
			coordinates: E("positions", w, r, { folded: n }),
			components: [
				...E("scales", w, r, { folded: !0 }),
				...E("colors", [
					3,
					1,
					0,
					2
				], 8),
				...E("rotations", [
					0,
					1,
					2,
					3
				], r, { folded: !0 }),
				...n ? E("buckets", [0], 32) : [],
				...E("sh", T(O(t)), i, {
					folded: i > 8,
					layer: 1
				})
			],
			...!n && { prefixShift: 16 }
		};
	},
	float32: (e, t) => {
		if (e !== 1) throw u(`version ${e} of the bits of a float scene is not known`);
		let n = T(Math.floor(le(t, "sh").columns / 3) - 1).map((e) => e + 3);
		return {
			coordinates: E("positions", w, 32, { folded: !0 }),
			components: [
				...E("log_scales", w, 32, { folded: !0 }),
				...E("opacity_logits", [0], 32, { folded: !0 }),
				...E("sh", [
					1,
					0,
					2
				], 32, { folded: !0 }),
				...E("rotations", [
					0,
					1,
					2,
					3
				], 32, { folded: !0 }),
				...E("sh", n, 32, {
					folded: !0,
					layer: 1
				})
			]
		};
	}
};
function T(e, t = !1) {
	let n = [];
	for (let r = 0; r < e; r++) for (let i of [
		1,
		0,
		2
	]) n.push(t ? i * e + r : 3 * r + i);
	return n;
}
function E(e, t, n, { folded: r = !1, layer: i = 0 } = {}) {
	return t.map((t) => ({
		array: e,
		column: t,
		shift: 0,
		bits: n,
		layer: i,
		folded: r
	}));
}
function D(e, t, { folded: n = !1, layer: r = 0 } = {}) {
	return t.map(([t, i]) => ({
		array: e,
		column: 0,
		shift: t,
		bits: i,
		layer: r,
		folded: n
	}));
}
function ce(e) {
	return D(e, ae).map((e, t) => ({
		...e,
		folded: t > 0
	}));
}
function O(e) {
	return Math.floor((e.get("sh")?.columns ?? 0) / 3);
}
function le(e, t) {
	let n = e.get(t);
	if (!n) throw c(`chunk (3, 0): it has no array '${t}'`);
	return n;
}
// src/decoder/columns/source.ts
var k = "chunk (3, 0)", ue = 75, de = class {
	#e;
	#t = /* @__PURE__ */ new Map();
	#n = [];
	#r = 0;
	constructor(e) {
		this.#e = p(e, k, { wrapReals: !0 });
		let { format: t, version: n, codes: r, tables: i, records: a, header: o } = this.#e;
		if (typeof t != "string" || !A(n) || !m(r) || !m(o)) throw N();
		for (let [e, t] of Object.entries(r)) {
			let [n, r] = fe(t);
			if (!A(n)) throw N();
			if (!pe(r) || n > ue) throw c(`${k}: an array of codes has an impossible shape`);
			this.#t.set(e, {
				columns: n,
				dtype: r
			});
		}
		for (let e of M(i)) {
			let [t, n, r] = M(e);
			if (M(e).length !== 3 || typeof t != "string" || typeof n != "string") throw N();
			this.#n.push({
				name: t,
				dtype: n,
				shape: M(r).map(j)
			});
		}
		for (let e of M(a)) {
			let [t, n] = fe(e);
			j(t), this.#r += j(n);
		}
	}
	get needsData() {
		return this.#r > 0 || this.#n.some(({ shape: e }) => me(e) > 0);
	}
	source(e) {
		let t = /* @__PURE__ */ new Map(), n = 0;
		for (let { name: r, dtype: i, shape: a } of this.#n) {
			if (!pe(i)) throw c(`${k}: table '${r}' has an unknown type`);
			let o = me(a) * C[i];
			if (o > e.length - n) throw c(`${k}: table '${r}' is larger than chunk (3, 1)`);
			t.set(r, {
				dtype: i,
				shape: a,
				bytes: e.slice(n, n + o)
			}), n += o;
		}
		if (n += this.#r, n > e.length) throw c(`${k}: a record is larger than chunk (3, 1)`);
		if (n < e.length) throw c(`chunk (3, 1): ${e.length - n} bytes are left over`);
		let { format: r, version: i, header: a } = this.#e;
		return {
			format: r,
			version: i,
			codes: this.#t,
			tables: t,
			header: a
		};
	}
};
function A(e) {
	return typeof e == "number" && Number.isInteger(e) && e >= 0 && e < 2 ** 32;
}
function j(e) {
	if (!A(e)) throw N();
	return e;
}
function M(e) {
	if (!Array.isArray(e)) throw N();
	return e;
}
function fe(e) {
	let t = M(e);
	if (t.length !== 2) throw N();
	return [t[0], t[1]];
}
function pe(e) {
	return typeof e == "string" && Object.hasOwn(C, e);
}
function me(e) {
	return e.reduce((e, t) => e * t, 1);
}
var N = () => c(`${k}: a field is missing or not what it should be`), P = class {
	#e;
	#t;
	#n;
	#r = 0;
	constructor(e, t) {
		this.#e = e, this.#t = new DataView(e.buffer, e.byteOffset, e.byteLength), this.#n = t;
	}
	uint() {
		let e = 0;
		for (let t = 1, n = 0;; t *= 128, n += 7) {
			if (n > 63) throw this.corrupt("a number is too long");
			let r = this.u8();
			if (n === 63 && r > 1 && r < 128) throw this.corrupt("a number is too large");
			if (e += (r & 127) * t, r < 128) return e;
		}
	}
	u8() {
		return this.#t.getUint8(this.#i(1));
	}
	u16() {
		return this.#t.getUint16(this.#i(2), !0);
	}
	u32() {
		return this.#t.getUint32(this.#i(4), !0);
	}
	f32() {
		return this.#t.getFloat32(this.#i(4), !0);
	}
	f64() {
		return this.#t.getFloat64(this.#i(8), !0);
	}
	skip(e) {
		this.#i(e);
	}
	get left() {
		return this.#e.length - this.#r;
	}
	end() {
		if (this.left > 0) throw this.corrupt(`${this.left} bytes are left over`);
	}
	corrupt(e) {
		return c(`${this.#n}: ${e}`);
	}
	#i(e) {
		if (e > this.left) throw this.corrupt("it ends too early");
		return this.#r += e, this.#r - e;
	}
}, he = 2 ** 31, F = {
	STEPPED: 1,
	COLUMNS: 2
}, I = {
	TABLES: 1,
	STEPS: 2,
	SOURCE: 3,
	PALETTE: 4,
	COLUMNS: 5,
	CODEBOOKS: 6,
	META: 128,
	SETTINGS: 129,
	QUALITY: 130,
	TIERS: 131
}, L = [
	83,
	80,
	76,
	65,
	84,
	90,
	13,
	10
], ge = 65535, _e = 18;
function R(e) {
	if (e.length === 0 || L.some((t, n) => n < e.length && e[n] !== t)) throw new s("NotSplatzipError", "not a .splatz file: it does not start with SPLATZ");
}
function ve(e, t) {
	R(e);
	let n = new P(e, "header at byte 0");
	n.skip(L.length);
	let r = n.u16(), i = n.u16();
	if (r !== 0 || i !== 4) throw new s("UnsupportedVersionError", `this file is version ${r}.${i}; this decoder reads 0.4`);
	let a = n.u32(), o = n.u32() + n.u32() * 2 ** 32, c = n.u32();
	if (t(e.subarray(0, 28)) !== n.u32()) throw n.corrupt("the checksum is wrong; the file was damaged");
	if (a > 4096 || 32 + a > o) throw n.corrupt("sizes disagree");
	return {
		rootSize: a,
		fileSize: o,
		rootCrc: c
	};
}
function ye(e) {
	let t = new P(e, "root at byte 32"), [n, r, i, a, o] = V(5, () => t.uint()), s = H(() => t.f64()), c = {
		low: H(() => t.f32()),
		high: H(() => t.f32())
	};
	if (![...c.low, ...c.high].every(Number.isFinite) || c.low.some((e, t) => e > c.high[t])) throw t.corrupt("the bounding box is not finite, or its corners are swapped");
	let l = t.uint(), u = !0;
	B(t, l, () => {
		let [e, n] = V(2, () => t.uint());
		u &&= e === 0 && n === 0;
	});
	let d = [];
	B(t, t.uint(), () => d.push({
		size: t.uint(),
		crc: t.u32()
	}));
	let f = we(t);
	if (t.end(), r === 0 || i > 4 || l === 0 || !s.every(Number.isFinite)) throw t.corrupt("its number of splats, SH degree, number of segments or origin is impossible");
	return {
		codec: n,
		splats: r,
		shDegree: i,
		tiers: a,
		layers: o,
		origin: s,
		box: c,
		segments: l,
		isStatic: u,
		indexes: d,
		entries: f
	};
}
function be(e, t) {
	let n = new P(e, t), r = we(n);
	return n.end(), r;
}
function xe({ shared: e, runs: t }, n) {
	return {
		shared: e.map((e) => ({
			...e,
			offset: n + e.offset
		})),
		runs: t.map((e) => ({
			...e,
			offset: n + e.offset,
			directory: {
				...e.directory,
				offset: n + e.offset
			}
		}))
	};
}
function Se(e, { shared: t, runs: n }, r, i) {
	let a = "root at byte 32", o = new Set(Object.values(I));
	for (let { kind: e, name: n } of t) if (!o.has(e) && e < 128) throw u(`${n}: this version does not know its kind and cannot skip it; use a newer one`);
	for (let t of n) {
		if (t.segment >= e.segments || t.tier >= e.tiers || t.layer >= e.layers) throw c(`${a}: it lists ${z(t)}, which the scene does not have`);
		if (t.directory.size > t.size) throw c(`${a}: the directory of ${z(t)} is larger than the run`);
	}
	let s = [...t.map(({ name: e }) => e), ...n.map(z)];
	if (new Set(s).size < s.length) throw c(`${a}: a chunk or a run is listed twice`);
	let d = [...t, ...n.map((e) => ({
		...e,
		name: z(e)
	}))];
	for (let { name: e, offset: t, size: n } of d) if (t + n > i) throw l(`${e} at byte ${t}: its ${n} bytes reach beyond the end at byte ${i}`);
	let f = r;
	for (let { offset: e, size: t } of d.sort((e, t) => e.offset - t.offset || e.size - t.size)) {
		if (e !== f) throw c(`byte ${Math.min(e, f)}: chunks leave a gap or overlap`);
		f += t;
	}
	if (f !== i) throw c(`byte ${f}: ${i - f} bytes belong to no chunk`);
}
function Ce(e, t, n) {
	let r = new P(e, `${t.directory.name} at byte ${t.offset}`), i = r.uint();
	if (i * _e > r.left) throw r.corrupt("it lists more chunks than it has room for");
	let a = H((e) => (n.high[e] - n.low[e]) / ge), o = () => H((e) => n.low[e] + r.u16() * a[e]), s = [], c = -1, l = t.offset + t.directory.size;
	for (let e = 0; e < i; e++) {
		if (c += 1 + r.uint(), c >= he) throw r.corrupt(`tile number ${c} is too large`);
		let [e, n, i] = [
			r.uint(),
			r.uint(),
			r.u32()
		], a = `tile ${c} tier ${t.tier} layer ${t.layer} at byte ${l}`;
		s.push({
			tile: c,
			splats: e,
			offset: l,
			size: n,
			crc: i,
			name: a,
			box: {
				low: o(),
				high: o()
			}
		}), l += n;
	}
	if (r.end(), l !== t.offset + t.size) throw r.corrupt("its chunks do not fill the run");
	return s;
}
function we(e) {
	let t = [];
	B(e, e.uint(), () => {
		let [n, r, i, a] = V(4, () => e.uint());
		t.push({
			kind: n,
			id: r,
			offset: i,
			size: a,
			crc: e.u32(),
			name: `chunk (${n}, ${r})`
		});
	});
	let n = [];
	return B(e, e.uint(), () => {
		let [t, r, i, a] = V(4, () => e.uint()), [o, s] = V(2, () => e.uint()), c = `directory of segment ${t} tier ${r} layer ${i}`, l = {
			offset: a,
			size: o,
			crc: e.u32(),
			name: c
		};
		n.push({
			segment: t,
			tier: r,
			layer: i,
			offset: a,
			size: s,
			directory: l
		});
	}), {
		shared: t,
		runs: n
	};
}
function z({ segment: e, tier: t, layer: n }) {
	return `segment ${e} tier ${t} layer ${n}`;
}
function B(e, t, n) {
	for (let r = 0; r < t; r++) {
		if (e.left === 0) throw e.corrupt("it ends too early");
		n();
	}
}
function V(e, t) {
	return Array.from({ length: e }, t);
}
function H(e) {
	return [
		e(0),
		e(1),
		e(2)
	];
}
// src/decoder/streams.ts
function Te(e, t, n, r) {
	let i = new P(e, r);
	n === 0 && (t === F.STEPPED ? Ee : De)(i);
	let a = [];
	for (let e = i.uint(); e > 0; e--) {
		let e = {
			stream: i.u8(),
			tableSet: Math.floor(i.uint() / 4)
		};
		i.uint(), i.uint(), e.stream < 128 && a.push(e);
	}
	return a;
}
function Ee(e) {
	if (e.u8() !== 0) {
		for (let t = 0; t < 3; t++) e.uint();
		e.u8();
		for (let t = 0; t < 4; t++) e.uint();
	}
}
function De(e) {
	e.skip(2);
	for (let t = 0; t < 3; t++) e.uint();
}
// src/decoder/columns.ts
var Oe = 65536, ke = 1024, U = 2, W = 256, Ae = 6, je = 11, Me = class {
	isChained = !1;
	essential = [
		[I.SOURCE, 0],
		[I.COLUMNS, 0],
		[I.TABLES, 0]
	];
	#e;
	#t;
	#n;
	#r = /* @__PURE__ */ new Map();
	#i = [];
	#a = null;
	#o = null;
	#s = null;
	#c = /* @__PURE__ */ new Map();
	#l = [];
	constructor(e, t, n) {
		this.#e = e, this.#t = n, this.#n = (t + 1) ** 2 - 1, n.has(`${I.SOURCE},1`) && this.essential.push([I.SOURCE, 1]);
		for (let e = 0; n.has(`${I.PALETTE},${e}`); e++) this.#i.push([I.PALETTE, e]);
	}
	get hasRest() {
		return this.#o?.layout.components.some(({ layer: e }) => e === 1) ?? !1;
	}
	take(e, t, n) {
		if (this.#r.set(`${e},${t}`, n.slice()), e === I.SOURCE && t === 0 && (this.#a = new de(n), this.#a.needsData && !this.#t.has(`${I.SOURCE},1`))) throw c("root: it does not list the tables of its source");
		e === I.TABLES && t < U && this.#o && this.#p(this.#o.file, t, n), !this.#o && this.essential.every(([e, t]) => this.#r.has(`${e},${t}`)) && (this.#o = this.#u());
	}
	needs(e) {
		let t = Math.min(Oe, ke * e.bytes.length);
		if (!(e.count >= 1 && e.count <= t)) throw c(`${e.name}: it cannot hold ${e.count} splats`);
		if (!this.#o) return this.essential;
		let n = Te(e.bytes, F.COLUMNS, e.layer, e.name).map(({ tableSet: e }) => [I.TABLES, e]), r = e.layer === 1 && this.#o.source.format === "sog" ? [
			[I.PALETTE, 0],
			...this.#i,
			[I.COLUMNS, 1],
			[I.TABLES, U]
		] : [];
		return [
			...this.essential,
			...n,
			...r
		];
	}
	splats(e) {
		let t = e.count, n = this.#e.withBlocks((n) => {
			let r = this.#m(n, e, e.bytes, null, 0), i = (e, i) => n.floats(r + 4 * e * t, i * t);
			return {
				positions: i(0, 3),
				logScales: i(3, 3),
				rotations: i(6, 4),
				opacityLogits: i(10, 1),
				color: i(je, 3)
			};
		});
		return this.hasRest && this.#c.set(G(e), e.bytes.slice()), n;
	}
	sh(e) {
		let t = this.#c.get(G(e));
		if (!t) throw c(`${e.name}: its layer 0 is not there`);
		this.#c.delete(G(e));
		let { dequantizer: n, source: r } = this.#o;
		r.format === "sog" && (this.#s ??= this.#g());
		let i = this.#s?.coefficients ?? n.coefficients;
		if (i !== this.#n) throw c(`${e.name}: its SH degree is not the root's`);
		let a = e.count;
		return this.#e.withBlocks((n) => {
			let r = n.floats(this.#m(n, e, t, e.bytes, i) + 44 * a, 3 * (1 + i) * a), o = new Float32Array(3 * i * a);
			for (let e = 0; e < a; e++) {
				let t = 3 * (1 + i) * e;
				o.set(r.subarray(t + 3, t + 3 * (1 + i)), 3 * i * e);
			}
			return o;
		});
	}
	forget() {}
	order(e) {
		if (this.#l.length === 0) return;
		this.#l.sort((e, t) => e.tier - t.tier || e.tile - t.tile);
		let t = this.#l.reduce((e, { words: t }) => e + t.length, 0), n = new Uint32Array(t), r = 0;
		for (let { words: e } of this.#l) n.set(e, r), r += e.length;
		let i = Uint32Array.from({ length: t }, (e, t) => t);
		return i.sort((e, t) => n[e] - n[t] || e - t), e && this.#o?.source.format === "compressed_ply" && Ne(i, n), i;
	}
	close() {
		this.#o && this.#e.call.columns_close(this.#o.file), this.#o = null;
	}
	#u() {
		let e = this.#a.source(this.#r.get(`${I.SOURCE},1`) ?? /* @__PURE__ */ new Uint8Array()), t = oe(e.format, e.version, e.codes), n = this.#d(0), r = this.#f(n);
		if (r.length !== t.components.length || t.components.some(({ layer: e }, t) => e !== r[t])) throw c("chunk (5, 0): its components are not those of the source");
		let i = t.components.filter(({ layer: e }) => e === 1);
		if (!(e.format === "sog" ? i.length > 0 == this.#n > 0 : i.length === 3 * this.#n)) throw c("chunk (3, 0): its SH degree is not the root's");
		for (let n of [...t.coordinates, ...t.components]) {
			let t = e.codes.get(n.array), r = `chunk (3, 0): array '${n.array}'`;
			if (!t || n.column >= t.columns) throw c(`${r} lacks a column`);
			if (n.shift + n.bits > 8 * C[t.dtype]) throw c(`${r} is of too narrow a type`);
		}
		for (let [e, t] of this.#r) {
			let [r, i] = e.split(",").map(Number);
			r === I.TABLES && i < U && this.#p(n, i, t);
		}
		return {
			source: e,
			layout: t,
			file: n,
			dequantizer: te(this.#e, e)
		};
	}
	#d(e) {
		let t = this.#r.get(`${I.COLUMNS},${e}`), n = this.#e.withBlocks((e) => this.#e.call.columns_open(e.put(t), t.length));
		if (n === 0) throw c(`chunk (5, ${e}): its numbers make no sense`);
		return n;
	}
	#f(e) {
		let { call: t } = this.#e;
		return Array.from({ length: t.columns_components(e) }, (n, r) => t.columns_layer(e, r));
	}
	#p(e, t, n) {
		if (!this.#e.withBlocks((r) => this.#e.call.columns_tables(e, t, r.put(n), n.length))) throw c(`chunk (1, ${t}): its numbers make no sense`);
	}
	#m(e, t, n, r, i) {
		let { source: a, layout: o, dequantizer: s, file: l } = this.#o, u = t.count, d = o.prefixShift !== void 0, f = d ? e.zeros(4 * u) : 0, p = (e) => !r && (e === "sh" || e === "labels") ? a.format === "float32" ? 3 : 0 : a.codes.get(e)?.columns ?? 0, m = /* @__PURE__ */ new Map();
		for (let [t, { dtype: n }] of a.codes) m.set(t, e.zeros(u * p(t) * C[n]));
		let h = (e) => {
			if (e.layer === 1 && !r) return [
				0,
				1,
				1,
				0,
				8,
				0
			];
			let { array: t, column: n, shift: i, bits: o, folded: s } = e, c = C[a.codes.get(t)?.dtype ?? "uint8"];
			return [
				m.get(t) + n * c,
				c,
				p(t),
				i,
				o,
				+!!s
			];
		};
		this.#h(e, t.name, l, u, n, r, [...o.coordinates, ...o.components].map(h), {
			shift: o.prefixShift ?? 32,
			at: f
		});
		let g = e.room(4 * (je + 3 * (1 + i)) * u), _ = {
			n: u,
			coefficients: i,
			at: (e) => m.get(e) ?? 0,
			prefix: f,
			palette: this.#s?.rows ?? null
		};
		if (s.run(_, e, g) !== 0) throw c(`${t.name}: its codes are not those of a ${a.format} source`);
		if (!this.#e.call.is_scene(u, 1 + i, g)) throw c(`${t.name}: the decoded values are not a valid scene`);
		return d && !r && this.#l.push({
			tier: t.tier,
			tile: t.tile,
			words: e.words(f, u)
		}), g;
	}
	#h(e, t, n, r, i, a, o, s) {
		if (o.some((e) => e.length !== Ae)) throw u("a target of six numbers");
		let l = this.#e.call.columns_decode(n, r, e.put(i), i.length, a ? e.put(a) : 0, a?.length ?? 0, e.put(Int32Array.from(o.flat())), s.shift, s.at);
		if (l === 1 || l === 2) throw c(`${t}: its codes make no sense`);
		if (l > 2) throw c(`${t}: a code has more bits than its array`);
	}
	#g() {
		let e = this.#d(1);
		try {
			let t = this.#f(e);
			if (![
				9,
				24,
				45
			].includes(t.length) || t.some((e) => e !== 0)) throw c("chunk (5, 1): its components are not those of a palette");
			let n = this.#r.get(`${I.TABLES},${U}`);
			this.#p(e, U, n);
			let r = T(t.length / 3), i = this.#i.map(([t, n]) => this.#_(e, n, r, this.#r.get(`${t},${n}`))), a = new Uint8Array(i.reduce((e, { length: t }) => e + t, 0)), o = 0;
			for (let e of i) a.set(e, o), o += e.length;
			return {
				rows: a,
				coefficients: t.length / 3
			};
		} finally {
			this.#e.call.columns_close(e);
		}
	}
	#_(e, t, n, r) {
		let i = `chunk (4, ${t})`, a = r.length < 4 ? 0 : new DataView(r.buffer, r.byteOffset).getUint32(0, !0);
		if (!(a > 0 && a <= Math.min(Oe, ke * r.length))) throw c(`${i}: it cannot hold ${a} rows`);
		return this.#e.withBlocks((t) => {
			let o = t.zeros(a * n.length), s = [
				0,
				1,
				1,
				0,
				8,
				0
			], c = [
				s,
				s,
				s,
				...n.map((e) => [
					o + e,
					1,
					n.length,
					0,
					8,
					0
				])
			];
			return this.#h(t, i, e, a, r.subarray(4), null, c, {
				shift: 32,
				at: 0
			}), t.bytes(o, a * n.length);
		});
	}
};
function G({ tier: e, tile: t }) {
	return `${e},${t}`;
}
function Ne(e, t) {
	for (let n = 0; n < e.length; n += W) {
		let r = Math.min(n + W, e.length) - 1, i = (n) => t[e[n]];
		if (i(n) !== i(r) || n > 0 && i(n - 1) === i(n)) throw c(`a chunk of the source does not have ${W} splats`);
	}
}
// src/decoder/meta.ts
function Pe(e) {
	let t = Le(e.camera), n = J(e.up), { antialiased: r } = e;
	return {
		type: "meta",
		...t && { camera: t },
		...n && { up: n },
		...typeof r == "boolean" && { antialiased: r },
		...Y("title", e),
		...Y("author", e),
		...Y("licence", e),
		values: e
	};
}
function Fe(e, t) {
	let n;
	try {
		n = p(e, "chunk (131, 0)");
	} catch (e) {
		if (e instanceof s) return;
		throw e;
	}
	let r = (e) => Array.from({ length: t - 1 }, () => e), i = q(n.widen, r([-1, 3])), a = q(n.strengthen, r([.1, 20])), o = q(n.blur, r(Ie)), c = q(n.by_size, [
		Ie,
		K,
		K
	]), l = q(n.by_opacity, [K, K]);
	if (!(!i || !a || "blur" in n && !o) && !("by_size" in n && !c || "by_opacity" in n && !l)) return {
		type: "tiers",
		widen: i,
		strengthen: a,
		...o && { blur: o },
		...c && { bySize: c },
		...l && { byOpacity: l }
	};
}
var Ie = [-60, 60], K = [-1, 1];
function q(e, t) {
	if (Array.isArray(e) && e.length === t.length) return t.every(([t, n], r) => {
		let i = e[r];
		return typeof i == "number" && i >= t && i <= n;
	}) ? e : void 0;
}
function Le(e) {
	if (!m(e)) return;
	let t = J(e.position), n = J(e.target), r = J(e.up), i = e.fov_y_degrees;
	if (!t || !n) return;
	let a = typeof i == "number" && i > 0 && i < 180 ? { fovYDegrees: i } : {};
	return {
		position: t,
		target: n,
		...r && { up: r },
		...a
	};
}
function J(e) {
	if (!Array.isArray(e) || e.length !== 3 || !e.every((e) => typeof e == "number")) return;
	let [t, n, r] = e;
	return [
		t,
		n,
		r
	];
}
function Y(e, t) {
	let n = t[e];
	return typeof n == "string" ? { [e]: n } : {};
}
// src/decoder/progress.ts
var Re = class {
	missing = [];
	#e;
	#t;
	#n;
	#r = /* @__PURE__ */ new Map();
	#i = /* @__PURE__ */ new Map();
	#a = Infinity;
	#o = /* @__PURE__ */ new Set();
	#s = /* @__PURE__ */ new Map();
	#c = /* @__PURE__ */ new Set();
	#l = 0;
	#u = 0;
	#d = 0;
	constructor(e, { shared: t, runs: n }, r) {
		this.#e = e, this.#t = r, this.#n = new Set(n.map(({ tier: e, layer: t }) => `${e},${t}`));
		for (let { kind: e, id: n } of t) this.#r.set(`${e},${n}`, "wait");
	}
	sharedCame({ kind: e, id: t }) {
		this.#r.set(`${e},${t}`, "ready");
	}
	sharedLost({ kind: e, id: t }) {
		this.#r.set(`${e},${t}`, "lost");
	}
	awaits(e, t) {
		return this.#r.get(`${e},${t}`) === "wait";
	}
	sharedState(e, t) {
		let n = "ready";
		for (let [r, i] of e) {
			let e = this.#r.get(`${r},${i}`);
			if (e === void 0) throw c(`${t}: it needs chunk (${r}, ${i}), which is not listed`);
			if ((e === "lost" || e === "wait" && n === "ready") && (n = e), n === "lost") break;
		}
		return n;
	}
	directoryCame({ tier: e, layer: t }, n) {
		let r = /* @__PURE__ */ new Map(), i = 0;
		for (let { tile: e, splats: t } of n) r.set(e, {
			row: i,
			splats: t
		}), i += t;
		return this.#i.set(`${e},${t}`, r), t === 0 && this.#f(i), this.#p(e);
	}
	directoryLost({ tier: e, layer: t }) {
		this.#o.add(`${e},${t}`), t === 0 && (this.#a = Math.min(this.#a, e));
	}
	cut(e, t) {
		this.#s.set(e, Math.min(t, this.#s.get(e) ?? Infinity));
	}
	firstRow(e, t) {
		let n = 0;
		for (let e = 0; e < t; e++) {
			let t = this.#i.get(`${e},0`);
			if (!t) return -1;
			for (let { splats: e } of t.values()) n += e;
		}
		let r = this.#i.get(`${t},0`)?.get(e);
		return r ? n + r.row : -1;
	}
	readiness({ tile: e, tier: t, layer: n, name: r }) {
		let i = this.#s.get(e) ?? Infinity;
		if (t >= this.#a || (this.#t ? t >= i : t === i)) return "lost";
		for (let i = 0; i <= t && (i !== t || n !== 0); i++) {
			let n = this.#i.get(`${i},0`);
			if (!n || (this.#t || i === t) && n.has(e) && !this.#c.has(`${e},${i}`)) return "wait";
			if (i === t && !n.has(e)) throw c(`${r}: its layer 0 is not listed`);
		}
		return "ready";
	}
	decoded({ tile: e, tier: t, layer: n, count: r }) {
		n > 0 ? this.#u += r : (this.#l += r, this.#c.add(`${e},${t}`));
	}
	counts(e) {
		return {
			count: this.#l,
			withoutSh: e ? this.#l - this.#u : 0
		};
	}
	lacking(e) {
		let { count: t, withoutSh: n } = this.counts(e), r = [...this.missing];
		return t < this.#e.splats && r.push(`${this.#e.splats - t} of ${this.#e.splats} splats`), n > 0 && r.push(`SH of ${n} splats`), r;
	}
	#f(e) {
		this.#d += e;
		let t = this.#e.splats, n = !0;
		for (let e = 0; e < this.#e.tiers; e++) n &&= this.#i.has(`${e},0`);
		if (this.#d > t || n && this.#d < t) throw c(`root at byte 32: it promises ${t} splats, the directories list ${this.#d}`);
	}
	#p(e) {
		let t = this.#i.get(`${e},0`), n = this.#i.get(`${e},1`);
		if (!t || this.#e.layers < 2) return [];
		if (!n) return t.size > 0 && !this.#n.has(`${e},1`) ? [c(`root: the SH of tier ${e} is not listed`)] : [];
		let r = [...t.keys()].filter((e) => !n.has(e));
		return r.length > 0 ? [c(`tier ${e}: the SH of tile ${r[0]} is not listed`)] : [];
	}
}, ze = Math.floor(2 ** 20 / 27), Be = 256, Ve = 256, X = 0, He = [
	X,
	1,
	2
], Ue = class {
	isChained = !0;
	essential = [[I.STEPS, 0]];
	hasRest;
	#e;
	#t;
	#n;
	#r;
	#i = /* @__PURE__ */ new Map();
	#a = [];
	#o = 0;
	#s = [];
	constructor(e, t, n, r) {
		this.#e = e, this.#t = t, this.#n = r, this.#r = n - 1, this.hasRest = t > 0;
		for (let e of r) {
			let [t, n] = e.split(",").map(Number);
			if (t === I.TABLES && n >= Ve) throw c(`chunk (1, ${n}): no stream can name tables of that id`);
		}
	}
	take(e, t, n) {
		e === I.STEPS && t === 0 ? this.#c(n) : (e === I.TABLES || e === I.CODEBOOKS) && (this.#o === 0 ? this.#a.push([e === I.TABLES ? t : -1 - t, n]) : this.#l(e, t, n));
	}
	needs(e) {
		let t = Math.min(ze, Be * e.bytes.length);
		if (!(e.count >= 1 && e.count <= t)) throw c(`${e.name}: ${e.bytes.length} bytes cannot hold ${e.count} splats`);
		if (this.#o === 0) return this.essential;
		let n = Te(e.bytes, F.STEPPED, e.layer, e.name), r = n.map(({ tableSet: e }) => [I.TABLES, e]), i = this.#s.filter((t) => t === X ? n.some(({ stream: e }) => e === 12) : e.layer === 0);
		return [
			...this.essential,
			...r,
			...i.map((e) => [I.CODEBOOKS, e])
		];
	}
	splats(e) {
		let { call: t } = this.#e, n = this.#u(e.tile), r = t.stepped_new_chunk();
		n.chunks.set(e.tier, r);
		let i = e.count;
		return this.#e.withBlocks((a) => {
			let o = a.room(56 * i), s = a.put(e.bytes);
			Z(t.stepped_layer_0(this.#o, n.history, r, s, e.bytes.length, i, o), e), this.hasRest || this.#d(n, e.tier), e.tier === this.#r && n.chunks.size === 0 && this.forget(e.tile);
			let c = (e, t) => a.floats(o + 4 * e * i, t * i);
			return {
				positions: c(0, 3),
				logScales: c(3, 3),
				rotations: c(6, 4),
				opacityLogits: c(10, 1),
				color: c(11, 3)
			};
		});
	}
	sh(e) {
		let { call: t } = this.#e, n = this.#u(e.tile), r = n.chunks.get(e.tier);
		if (r === void 0) throw c(`${e.name}: its layer 0 is not there`);
		let i = 3 * ((this.#t + 1) ** 2 - 1) * e.count;
		try {
			return this.#e.withBlocks((n) => {
				let a = n.room(4 * i), o = n.put(e.bytes);
				return Z(t.stepped_layer_1(this.#o, r, o, e.bytes.length, e.count, a), e), n.floats(a, i);
			});
		} finally {
			this.#d(n, e.tier);
		}
	}
	forget(e) {
		let t = this.#i.get(e);
		if (t) {
			for (let e of [...t.chunks.keys()]) this.#d(t, e);
			this.#e.call.stepped_forget_tile(t.history), this.#i.delete(e);
		}
	}
	order() {}
	close() {
		for (let e of [...this.#i.keys()]) this.forget(e);
		this.#o !== 0 && this.#e.call.stepped_close(this.#o), this.#o = 0;
	}
	#c(e) {
		if (e[0] !== this.#t) throw c("chunk (2, 0): its SH degree is not the root's");
		let t = e.slice();
		if (this.#o = this.#e.withBlocks((e) => this.#e.call.stepped_open(e.put(t), t.length)), this.#o === 0) throw c("chunk (2, 0): its numbers make no sense");
		this.#s = He.filter((e) => t[1] >> 1 + e & 1);
		for (let e of this.#s) if (!this.#n.has(`${I.CODEBOOKS},${e}`)) throw c(`root: codebook ${e} is not listed`);
		for (let e of this.#s) e !== X && this.essential.push([I.CODEBOOKS, e]);
		for (let [e, t] of this.#a.splice(0)) e >= 0 ? this.#l(I.TABLES, e, t) : this.#l(I.CODEBOOKS, -1 - e, t);
	}
	#l(e, t, n) {
		let { call: r } = this.#e, i = e === I.TABLES ? r.stepped_tables : r.stepped_books;
		if (!this.#e.withBlocks((e) => i(this.#o, t, e.put(n), n.length))) throw c(`chunk (${e}, ${t}): its numbers make no sense`);
	}
	#u(e) {
		let t = this.#i.get(e) ?? {
			history: this.#e.call.stepped_new_tile(),
			chunks: /* @__PURE__ */ new Map()
		};
		return this.#i.set(e, t), t;
	}
	#d(e, t) {
		let n = e.chunks.get(t);
		n !== void 0 && this.#e.call.stepped_forget_chunk(n), e.chunks.delete(t);
	}
};
function Z(e, t) {
	if (e === 0) return;
	let n = e === -2 ? "the decoded values are not a valid scene" : "its codes make no sense";
	throw c(`${t.name}: ${n}`);
}
// src/decoder/reader.ts
var We = 1024, Ge = class {
	#e;
	#t;
	#n = new o();
	#r = !1;
	#i = !1;
	#a = null;
	#o = null;
	#s = null;
	#c = null;
	#l = [];
	#u = [];
	#d = [];
	#f = [];
	constructor(e, t) {
		this.#e = e, this.#t = t;
	}
	push(e, t = this.#n.whole) {
		this.#r || (this.#n.add(e, t), this.#p(() => this.#h()));
	}
	end() {
		this.#r || this.#p(() => {
			let e = this.#c;
			if (!e) throw this.#O();
			this.#i = !0, this.#h(), this.#r || this.#D(e, this.#n.whole);
		});
	}
	close() {
		this.#r = !0, this.#s?.close(), this.#s = null;
	}
	#p(e) {
		try {
			e();
		} catch (e) {
			if (this.#r) throw e;
			this.#r = !0;
			let t = e instanceof s ? e.name : "InternalError", n = e instanceof Error ? e.message : String(e);
			this.#s = null, this.#t({
				type: "failure",
				error: t,
				message: n
			});
		}
	}
	#m(e) {
		this.#r || this.#t(e);
	}
	#h() {
		let e = this.#c ?? this.#_(), t = this.#s;
		if (e && t) {
			for (let n = !0; n && !this.#r;) {
				let r = this.#g(this.#l, (e) => e);
				this.#l = r.rest;
				for (let n of r.come) this.#b(n, t, e);
				let i = this.#g(this.#u, (e) => e.directory);
				this.#u = i.rest;
				for (let t of i.come) this.#S(t, e);
				let a = this.#g(this.#d, ({ entry: e }) => e);
				this.#d = a.rest;
				for (let t of a.come) this.#C(t, e);
				let o = this.#f.length;
				this.#f = this.#f.filter((n) => !this.#w(n, t, e)), n = i.come.length > 0 || this.#f.length < o;
			}
			this.#l.length + this.#u.length + this.#d.length === 0 && !this.#r && this.#D(e, this.#a?.fileSize ?? 0);
		}
	}
	#g(e, t) {
		let n = [], r = [];
		for (let i of e) {
			let { offset: e, size: a } = t(i);
			(this.#n.has(e, a) ? n : r).push(i);
		}
		return {
			come: n.sort((e, n) => t(e).offset - t(n).offset),
			rest: r
		};
	}
	#_() {
		if (!this.#a) {
			if (!this.#n.has(0, 32)) {
				let e = this.#n.peek(0, 32);
				return e.length > 0 && R(e), null;
			}
			this.#a = ve(this.#n.take(0, 32), (e) => this.#e.crc32(e));
		}
		let { rootSize: e, fileSize: t, rootCrc: n } = this.#a;
		if (!this.#o) {
			if (!this.#n.has(32, e)) return null;
			if (this.#o = ye(this.#k({
				offset: 32,
				size: e,
				crc: n,
				name: "root"
			})), this.#o.segments !== 1) throw u(`root: ${this.#o.segments} segments; scenes in time are not readable by this version`);
			if (!this.#o.isStatic) throw u("root: its segment lasts or is predicted; scenes in time are not readable by this version");
		}
		let r = this.#o, i = 32 + e, a = r.indexes.reduce((e, { size: t }) => e + t, 0);
		if (i + a > t) throw l("index blocks: they reach beyond the end of the file");
		if (!this.#n.has(i, a)) return null;
		let o = [r.entries], s = i;
		for (let [e, { size: t, crc: n }] of r.indexes.entries()) {
			let r = `index block ${e}`;
			o.push(be(this.#k({
				offset: s,
				size: t,
				crc: n,
				name: r
			}), `${r} at byte ${s}`)), s += t;
		}
		let c = {
			shared: o.flatMap(({ shared: e }) => e),
			runs: o.flatMap(({ runs: e }) => e)
		};
		return this.#v(r, xe(c, s), s, t);
	}
	#v(e, t, n, r) {
		if (Se(e, t, n, r), e.splats > We * r) throw c(`root: ${r} bytes cannot hold ${e.splats} splats`);
		let i = t.runs.filter(({ layer: e }) => e === 0).length;
		if (i !== e.tiers) throw c(`root: it promises ${e.tiers} tiers, ${i} are listed`);
		let a = new Set(t.shared.map(({ kind: e, id: t }) => `${e},${t}`)), o = this.#y(e, a);
		this.#s = o;
		for (let [e, t] of o.essential) if (!a.has(`${e},${t}`)) throw c(`root: chunk (${e}, ${t}) is not listed, nothing can be decoded`);
		return this.#l = [...t.shared], this.#u = [...t.runs], this.#c = new Re(e, t, o.isChained), this.#m({
			type: "header",
			bytes: r,
			count: e.splats,
			shDegree: e.shDegree,
			origin: e.origin,
			box: e.box,
			tiers: e.tiers,
			layers: e.layers,
			codec: e.codec === F.STEPPED ? "stepped" : "columns",
			shared: t.shared.map(({ kind: e, id: t, offset: n, size: r }) => ({
				kind: e,
				id: t,
				offset: n,
				size: r
			})),
			runs: t.runs.map(({ tier: e, layer: t, offset: n, size: r, directory: i }) => ({
				tier: e,
				layer: t,
				offset: n,
				size: r,
				directorySize: i.size
			}))
		}), this.#c;
	}
	#y(e, t) {
		if (e.codec !== F.STEPPED && e.codec !== F.COLUMNS) throw u(`root: codec ${e.codec} is not known to this version`);
		if (e.layers !== (e.shDegree > 0 ? 2 : 1)) throw u(`root: ${e.layers} layers at SH degree ${e.shDegree} are not known`);
		return e.codec === F.COLUMNS ? new Me(this.#e, e.shDegree, t) : new Ue(this.#e, e.shDegree, e.tiers, t);
	}
	#b(e, t, n) {
		let r = () => t.essential.some(([t, n]) => t === e.kind && n === e.id);
		try {
			let r = this.#k(e);
			e.kind === I.META && e.id === 0 ? this.#m(Pe(p(r, e.name))) : e.kind === I.TIERS && e.id === 0 ? this.#x(r) : t.take(e.kind, e.id, r), n.sharedCame(e);
		} catch (t) {
			if (!(t instanceof s) || r()) throw t;
			n.sharedLost(e), this.#E(t, n);
		}
	}
	#x(e) {
		let t = Fe(e, this.#o.tiers);
		t && this.#m(t);
	}
	#S(e, t) {
		let n;
		try {
			n = Ce(this.#k(e.directory), e, this.#o.box);
		} catch (n) {
			if (!(n instanceof s)) throw n;
			return t.directoryLost(e), this.#E(n, t, {
				tier: e.tier,
				layer: e.layer
			});
		}
		for (let r of t.directoryCame(e, n)) this.#E(r, t);
		this.#d.push(...n.map((t) => ({
			run: e,
			entry: t
		}))), this.#m({
			type: "directory",
			tier: e.tier,
			layer: e.layer,
			chunks: n.map(({ tile: n, splats: r, offset: i, size: a, box: o }) => ({
				tile: n,
				offset: i,
				size: a,
				box: o,
				count: r,
				first: t.firstRow(n, e.tier)
			}))
		});
	}
	#C({ run: e, entry: t }, n) {
		let { tile: r, splats: i, name: a } = t, { tier: o, layer: s } = e;
		try {
			this.#f.push({
				tile: r,
				tier: o,
				layer: s,
				count: i,
				bytes: this.#k(t),
				name: a
			});
		} catch (e) {
			this.#T({
				tile: r,
				tier: o,
				layer: s
			}, e, n);
		}
	}
	#w(e, t, n) {
		let { tile: r, tier: i, layer: a, count: o } = e;
		try {
			let s = n.readiness(e);
			if (s !== "ready") return s === "lost";
			if (!this.#i && n.awaits(I.TIERS, 0)) return !1;
			let c = n.sharedState(t.needs(e), e.name);
			if (c !== "ready") return c === "lost" && a === 0 && n.cut(r, i), c === "lost";
			if (a > 0 && !t.hasRest) return !0;
			let l = {
				type: "chunk",
				tile: r,
				tier: i,
				first: n.firstRow(r, i),
				count: o
			};
			if (a === 0) {
				let r = t.splats(e);
				n.decoded(e), this.#m({
					...l,
					layer: 0,
					...r
				});
			} else {
				let r = t.sh(e);
				n.decoded(e), this.#m({
					...l,
					layer: 1,
					sh: r
				});
			}
		} catch (t) {
			this.#T(e, t, n);
		}
		return !0;
	}
	#T(e, t, n) {
		if (!(t instanceof s)) throw t;
		let { tile: r, tier: i, layer: a } = e;
		a === 0 && (n.cut(r, i), this.#s?.forget(r)), this.#E(t, n, {
			tile: r,
			tier: i,
			layer: a
		});
	}
	#E(e, t, n = {}) {
		t.missing.push(e.message), this.#m({
			type: "damage",
			error: e.name,
			message: e.message,
			...n
		});
	}
	#D(e, t) {
		let n = this.#s, { fileSize: r } = this.#a, i = this.#l.length + this.#u.length + this.#d.length > 0, a = e.lacking(n.hasRest);
		i && a.unshift(`the file is cut: ${t} of ${r} bytes came without a gap`);
		let o;
		try {
			o = n.order(a.length === 0);
		} catch (t) {
			if (!(t instanceof s)) throw t;
			this.#E(t, e), a.push(t.message);
		}
		let { count: c, withoutSh: l } = e.counts(n.hasRest);
		n.close(), this.#s = null;
		let u = {
			type: "end",
			complete: a.length === 0,
			count: c,
			withoutSh: l,
			missing: a
		};
		this.#m(o ? {
			...u,
			order: o
		} : u), this.#r = !0;
	}
	#O() {
		let e = this.#n.whole;
		return e === 0 ? new s("NotSplatzipError", "not a .splatz file: it is empty") : this.#a ? l(`the file is cut inside its table of contents: ${e} of ${this.#a.fileSize} bytes`) : l(`the file ends inside its header: ${e} of 32 bytes`);
	}
	#k({ offset: e, size: t, crc: n, name: r }) {
		let i = this.#n.take(e, t);
		if (this.#e.crc32(i) !== n) throw c(`${r}: the checksum is wrong; the file was damaged`);
		return i;
	}
}, Q = [
	0,
	0,
	0
];
function Ke(e, t, n) {
	let [r, i, a] = e.bySize ?? Q, [o, s] = e.byOpacity ?? Q, [c, l, u, d] = n, f = $((c + l + u - Math.min(c, l, u)) / 2 - r, -3, 3), p = Math.max(Math.log(d), -4), m = e.widen[t] + i * f + o * p, h = Math.exp(a * f + s * p), g = e.blur ? Math.exp(2 * e.blur[t]) : 0;
	for (let e = 0; e < 3; e++) {
		let t = n[e] + $(m, -1, 3);
		n[e] = g > 0 ? Math.log(Math.exp(2 * t) + g) / 2 : t;
	}
	n[3] = 1 - (1 - d) ** $(e.strengthen[t] * h, .1, 20);
}
function $(e, t, n) {
	return Math.min(Math.max(e, t), n);
}
var qe = 255, Je = class {
	tiers;
	#e = /* @__PURE__ */ new Map();
	#t = /* @__PURE__ */ new Set();
	constructor(e) {
		this.tiers = e;
	}
	list(e) {
		e.layer === 0 && this.#e.set(e.tier, e.chunks);
	}
	come(e) {
		this.#t.add(`${e.tier}/${e.tile}`);
	}
	get areNeeded() {
		for (let e = 1; e < this.tiers; e++) if (this.#n(e)?.length !== 0) return !0;
		return !1;
	}
	stages(e) {
		let t = new Uint8Array(e.count).fill(255);
		for (let n = this.tiers - 1; n > e.tier; n--) {
			let r = this.#n(n);
			r === null ? t.fill(n - 1) : r.length > 0 && Ye(t, e.positions, r, n - 1);
		}
		return t;
	}
	#n(e) {
		let t = this.#e.get(e);
		return t === void 0 ? null : t.filter((t) => !this.#t.has(`${e}/${t.tile}`)).map((e) => e.box);
	}
};
function Ye(e, t, n, r) {
	for (let i = 0; i < e.length; i++) {
		let a = t[3 * i], o = t[3 * i + 1], s = t[3 * i + 2];
		for (let { low: t, high: c } of n) if (!(a < t[0] || o < t[1] || s < t[2] || a > c[0] || o > c[1] || s > c[2])) {
			e[i] = r;
			break;
		}
	}
}
export { e as Core, Ge as FileReader, qe as ITSELF, Je as StandIns, i as openStream, Ke as standIn };
