//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#ifndef TAREXPORT_ENGINE_PAGE_HPP
#define TAREXPORT_ENGINE_PAGE_HPP

namespace engine {

/// The page at `/`: the images of the store, to look at and to save.
inline constexpr char page[] = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Images</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
article { border-top: 1px solid #8888; padding: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; }
code { overflow-wrap: anywhere; }
.layers { display: flex; gap: 2px; height: 1.5rem; margin: .5rem 0; padding: 0; list-style: none; }
.layers li { min-width: 6px; border-radius: 2px; background: var(--color); }
.layers li.shared { outline: 2px solid currentColor; outline-offset: -2px; }
main { margin-top: 1.5rem; }
.saving, .saving > span { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0; }
button { font: inherit; padding: .25rem .75rem; }
progress { width: 14rem; }
[role=alert] { color: #b00020; }
@media (prefers-color-scheme: dark) { [role=alert] { color: #ff8a80; } }
</style>
</head>
<body>
<h1>Images</h1>
<p>Each bar is an image, and each part of it a layer, as wide as it is large. Layers of one colour with a frame are in several images.</p>
<main id="images" aria-live="polite"><p>Loading.</p></main>
<script>
'use strict';

const tries = 5;          // in a row without a byte
const keptInMemory = 2 ** 31; // larger archives need a browser that writes to files

function element(name, properties = {}, ...children) {
    const e = Object.assign(document.createElement(name), properties);
    e.append(...children);
    return e;
}

function bytes(n) {
    const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
    let i = 0;
    for(; n >= 1000 && i + 1 < units.length; ++i)
        n /= 1000;
    return (i === 0 ? n : n.toFixed(1)) + ' ' + units[i];
}

async function json(path) {
    const answer = await fetch(path);
    if(!answer.ok)
        throw new Error((await answer.json()).message);
    return answer.json();
}

// The layers of an image, bottom first: the identities are in one document, the sizes in another.
async function layersOf(id) {
    const [about, history] = await Promise.all([json(`/images/${id}/json`), json(`/images/${id}/history`)]);
    const ids = about.RootFS.Layers || [];
    const steps = history.reverse().filter(step => step.Size > 0);
    // A layer of no bytes looks like a step without one: then it is not known which size is whose.
    return ids.map((layer, n) => ({id: layer, size: steps.length === ids.length ? steps[n].Size : undefined}));
}

// Reads an archive, from `at` on; gives each piece to `take`, which is told whether it is the first of an archive that begins anew.
// It is always asked for a range: then browsers take no compressed bytes, which have neither a length nor ranges.
async function readFrom(path, state, take, signal) {
    const headers = {Range: `bytes=${state.at}-`};
    if(state.at)
        headers['If-Range'] = state.etag;
    const answer = await fetch(path, {headers, signal});
    if(!answer.ok)
        throw Object.assign(new Error((await answer.json()).message), {final: answer.status !== 429 && answer.status < 500});
    let anew = answer.status === 200 || state.at === 0;
    if(anew) {
        state.at = 0;
        const part = answer.headers.get('Content-Range'); // of all: bytes 0-9/10
        state.size = Number(part ? part.split('/')[1] : answer.headers.get('Content-Length'));
        state.etag = answer.headers.get('ETag');
    }
    const reader = answer.body.getReader();
    for(;;) {
        const {done, value} = await reader.read();
        if(done)
            return;
        await take(value, anew);
        anew = false;
        state.at += value.length;
    }
}

// A connection that breaks is made again, and goes on where it broke.
async function download(path, state, take, signal) {
    for(let failed = 0; state.size === undefined || state.at !== state.size;) {
        const before = state.at;
        try {
            await readFrom(path, state, take, signal);
            if(state.at !== state.size)
                throw new Error('the connection ended too early');
        } catch(problem) {
            failed = state.at > before ? 1 : failed + 1;
            if(signal.aborted || problem.final || failed >= tries)
                throw problem;
            await new Promise(done => setTimeout(done, 500 * failed));
        }
    }
}

// Where the bytes go: into a file that the user chooses, where the browser can do that; else into memory, and from there.
async function target(path, name, size) {
    if(window.showSaveFilePicker) {
        const handle = await window.showSaveFilePicker({suggestedName: name});
        let file = await handle.createWritable();
        return {
            async take(piece, anew) {
                if(anew)
                    await file.truncate(0), await file.seek(0);
                await file.write(piece);
            },
            finish: () => file.close(),
            give_up: () => file.abort(),
        };
    }
    if(size > keptInMemory)
        throw new Error(`this browser cannot write large files; use: curl -C - -o ${name} '${location.origin}${path}'`);
    let pieces = [];
    return {
        async take(piece, anew) {
            if(anew)
                pieces = [];
            pieces.push(piece);
        },
        finish() {
            const link = element('a', {href: URL.createObjectURL(new Blob(pieces, {type: 'application/x-tar'})), download: name});
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 60000);
        },
        give_up() { pieces = []; },
    };
}

async function save(path, name, size, place) {
    const stop = new AbortController();
    const bar = element('progress', {max: 1, value: 0});
    bar.setAttribute('aria-label', `Saving ${name}`);
    const text = element('span');
    const cancel = element('button', {type: 'button', textContent: 'Cancel', onclick: () => stop.abort()});
    const state = {at: 0};
    let out;
    try {
        out = await target(path, name.replace(/[^\w.-]+/g, '_') + '.tar', size);
        place.replaceChildren(bar, text, cancel);
        cancel.focus();
        await download(path, state, async (piece, anew) => {
            await out.take(piece, anew);
            bar.value = state.at / state.size;
            text.textContent = `${bytes(state.at)} of ${bytes(state.size)}`;
        }, stop.signal);
        await out.finish();
        place.replaceChildren(`Saved, ${bytes(state.size)}.`);
    } catch(problem) {
        if(out)
            await out.give_up();
        const why = stop.signal.aborted || problem.name === 'AbortError' ? 'Cancelled.' : problem.message;
        place.replaceChildren(element('span', {textContent: why}));
        place.firstChild.setAttribute('role', 'alert');
    }
}

function layerBar(layers, counts) {
    const list = element('ol', {className: 'layers'});
    list.setAttribute('aria-label', 'Layers, the lowest first');
    for(const layer of layers) {
        const images = counts.get(layer.id);
        const said = layer.id.slice(7, 19) + (layer.size === undefined ? '' : ', ' + bytes(layer.size)) + (images > 1 ? `, in ${images} images` : '');
        const part = element('li', {title: said, className: images > 1 ? 'shared' : ''});
        part.setAttribute('aria-label', said);
        part.style.setProperty('--color', `hsl(${parseInt(layer.id.slice(7, 11), 16) % 360} 55% 60%)`);
        part.style.flex = `${Math.max(layer.size ?? 1, 1)} 1 0`;
        list.append(part);
    }
    return list;
}

function card(image, layers, counts) {
    const names = image.RepoTags && image.RepoTags.length ? image.RepoTags : [image.Id];
    const place = element('span');
    place.setAttribute('aria-live', 'polite');
    const query = names.map(name => 'names=' + encodeURIComponent(name)).join('&');
    const button = element('button', {type: 'button', textContent: 'Save'});
    button.setAttribute('aria-label', 'Save ' + names.join(', '));
    button.onclick = async () => {
        button.disabled = true;
        await save('/images/get?' + query, names[0], image.Size, place);
        button.disabled = false;
        button.focus();
    };
    const created = image.Created > 0 ? `, made on ${new Date(image.Created * 1000).toISOString().slice(0, 10)}` : '';
    const count = !layers ? 'unknown layers' : layers.length === 1 ? '1 layer' : layers.length + ' layers';
    return element('article', {}, element('h2', {textContent: names.join(', ')}),
        element('p', {}, element('code', {textContent: image.Id.slice(7, 19)}), `, ${bytes(image.Size)}, ${count}${created}`),
        layerBar(layers ?? [], counts), element('p', {className: 'saving'}, button, place));
}

async function show() {
    const place = document.getElementById('images');
    try {
        const images = await json('/images/json');
        const layers = [];
        for(const image of images) // one after the other: there may be many
            layers.push(await layersOf(image.Id).catch(() => undefined));
        const counts = new Map();
        for(const of_one of layers)
            for(const id of new Set((of_one ?? []).map(layer => layer.id)))
                counts.set(id, (counts.get(id) || 0) + 1);
        place.replaceChildren(...images.map((image, n) => card(image, layers[n], counts)));
        if(!images.length)
            place.textContent = 'There are no images.';
    } catch(problem) {
        place.textContent = problem.message;
        place.setAttribute('role', 'alert');
    }
}

show();
</script>
</body>
</html>
)page";

} // namespace engine

#endif
