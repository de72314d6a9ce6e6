// A Decoder over a machine: both codecs, and the memory that they keep.
#pragma once
#include "check_scene.h"
#include "columns_pipeline.h"
#include "dequantize.h"
#include "stepped_pipeline.h"

namespace splatzip::cuda {

template <class Machine>
class DecoderOf : public Decoder {
 public:
  template <class... Arguments>
  explicit DecoderOf(Arguments... arguments) : machine_(arguments...) {}

  DecodeStatus decode_stepped(const SteppedParams& params, const std::vector<TableChunk>& tables,
                              const std::vector<ChunkBytes>& chunks, const uint8_t* file, size_t file_bytes,
                              DeviceScene* scene) override {
    machine_.forget_problem();
    return waited_for(stepped_.decode(machine_, file_, params, tables, chunks, file, file_bytes, scene));
  }
  DecodeStatus decode_columns(const ColumnsCall& call, DeviceCodes* codes) override {
    machine_.forget_problem();
    return waited_for(columns_.decode(machine_, file_, call, codes));
  }
  DecodeStatus dequantize(const DequantizeCall& call, DeviceScene* scene) override {
    machine_.forget_problem();
    const DecodeStatus status = waited_for(DequantizePipeline<Machine>().dequantize(machine_, call, scene));
    return status == DecodeStatus::ok ? check_scene(*scene) : status;
  }
  DecodeStatus upload_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree,
                            DeviceScene* scene) override {
    machine_.forget_problem();
    const size_t bytes = DeviceScene::bytes_for(splats, sh_degree);
    if (!machine_.has_room(bytes)) return DecodeStatus::failed;
    auto block = BlockOfMachine<Machine>::make(machine_, bytes);
    if (!block) return DecodeStatus::failed;
    scene->lay_out(std::move(block), splats, sh_degree);
    const SceneArrays<float>& to = scene->arrays;
    machine_.write(to.positions, arrays.positions, 3 * splats);
    machine_.write(to.log_scales, arrays.log_scales, 3 * splats);
    machine_.write(to.rotations, arrays.rotations, 4 * splats);
    machine_.write(to.opacity_logits, arrays.opacity_logits, splats);
    machine_.write(to.sh, arrays.sh, 3 * DeviceScene::coefficients(sh_degree) * splats);
    return waited_for(DecodeStatus::ok);
  }
  DecodeStatus check_scene(const DeviceScene& scene) override {
    machine_.forget_problem();
    const SceneArrays<float>& a = scene.arrays;
    uint32_t* wrong = wrong_.reserve(machine_, 1);
    machine_.clear(wrong, 1);
    machine_.run(CheckScene{{a.positions, a.log_scales, a.rotations, a.opacity_logits, a.sh},
                            scene.splats,
                            DeviceScene::coefficients(scene.sh_degree),
                            wrong},
                 (scene.splats + kLanes - 1) / kLanes);
    uint32_t found = 0;
    machine_.read(&found, wrong, 1);
    return waited_for(found ? DecodeStatus::refused : DecodeStatus::ok);
  }
  void forget() override { file_.release(), stepped_.forget(), columns_.forget(); }
  std::string problem() const override { return machine_.problem(); }

 private:
  // Nothing reads the caller's file any more.
  DecodeStatus waited_for(DecodeStatus status) {
    machine_.wait();
    if (machine_.failed()) return DecodeStatus::failed;
    // What is kept for the next file shall not be missed by pictures of this one.
    if (file_.bytes() + stepped_.bytes() + columns_.bytes() > machine_.room() / kKeptShare) forget();
    return status;
  }

  static constexpr size_t kKeptShare = 4;  // of what is left, at most

  Machine machine_;
  UploadedFile<Machine> file_;
  SteppedPipeline<Machine> stepped_;
  ColumnsPipeline<Machine> columns_;
  typename Machine::template Array<uint32_t> wrong_;
};

}  // namespace splatzip::cuda
